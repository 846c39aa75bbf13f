"""Steps that are begun before the tokens of the step before are known, as for a GPU.

On a CPU nothing is gained by that, but all of it is the same code.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from test_failed_requests import batch, new_engine, request
from test_loading_beside_steps import install
from tiny_model import ADAPTERS, TinyModel

from lorax_shard.engine.choice import Fetch
from lorax_shard.engine.engine import Engine
from lorax_shard.engine.limits import NO_SPECULATION, SpeculationLimits
from lorax_shard.engine.messages import (
    GenerationRequest,
    RequestsFailed,
    SamplingParameters,
    StepResult,
    StoppingParameters,
)
from lorax_shard.server.compute import ComputeThread
from lorax_shard.server.steps import Steps

NAMES = list(ADAPTERS)
BLOCKS = 4  # of each request
GREEDY = SamplingParameters()
DRAWN = SamplingParameters(do_sample=True, temperature=1.5, top_p=0.95, seed=4)
PENALISED = SamplingParameters(repetition_penalty=1.5)
SETTINGS = [GREEDY, GREEDY, DRAWN, replace(DRAWN, seed=77, top_k=30), PENALISED]


@pytest.fixture(scope="module")
def engines(tiny: TinyModel) -> tuple[Engine, Engine]:
    """One that makes each step when it is asked for it, and one that makes them ahead."""
    return warm(tiny, overlaps=False), warm(tiny, overlaps=True)


@pytest.fixture
def ahead(engines: tuple[Engine, Engine]) -> Iterator[Engine]:
    yield engines[1]
    engines[1].clear(None)


def warm(tiny: TinyModel, overlaps: bool, speculation: SpeculationLimits = NO_SPECULATION):
    engine = new_engine(tiny, speculation, overlaps=overlaps)
    engine.warm_up(batch(0, request(0, (1,))))
    for index, name in enumerate(NAMES[:3], 1):
        install(engine, tiny, index, name)
    return engine


def asked(
    number: int,
    sampling: SamplingParameters = GREEDY,
    adapter: int = 0,
    tokens: int = 12,
    stop: str | None = None,
) -> GenerationRequest:
    blocks = tuple(range(1 + BLOCKS * number, 1 + BLOCKS * (number + 1)))
    stopping = StoppingParameters(tokens, (stop,) if stop else (), ignore_eos=True)
    prompt = tuple(range(40 + number, 50 + 3 * number))
    return replace(
        request(number, blocks), token_ids=prompt, sampling=sampling, stopping=stopping,
        adapter_index=adapter,
    )  # fmt: skip


@dataclass
class Schedule:
    """What happens before each step: who comes, who leaves, and whether another one will follow."""

    arrivals: dict[int, list[GenerationRequest]]
    leaving: dict[int, set[int]] = field(default_factory=dict)
    wanted: list[bool] = field(default_factory=list)  # from the first step on; then all are


def serve(engine: Engine, schedule: Schedule) -> tuple[dict[int, tuple], int]:
    """Tokens, their log-probabilities and the end of each answer; and how many steps were ahead."""
    told: dict[int, tuple[list[int], list[float], list]] = {}
    running: set[int] = set()
    steps_ahead = 0
    engine.clear(None)
    for step in range(max([*schedule.arrivals, 0]) + 80):
        gone = schedule.leaving.get(step, set()) & running
        if gone and gone != running:
            engine.filter(1, sorted(running - gone))
        wanted = schedule.wanted[step] if step < len(schedule.wanted) else True
        came = schedule.arrivals.get(step, [])
        if came:
            new = batch(1 if not running else 2 + step, *came)
            result = engine.prefill(new, 1 if running else None)
        elif running:
            result = engine.decode([1], lambda wanted=wanted: wanted)
        else:
            continue
        steps_ahead += engine.is_ahead
        running = set(result.batch.request_ids) if result.batch is not None else set()
        for generation in result.generations:
            ids, logprobs, ends = told.setdefault(generation.request_id, ([], [], []))
            ids += generation.next_tokens.ids
            logprobs += generation.next_tokens.logprobs
            if generation.text is not None:
                ends.append(generation.text)
    assert not running
    return told, steps_ahead


@st.composite
def schedules(draw: st.DrawFn) -> Schedule:
    requests = [
        asked(
            number,
            draw(st.sampled_from(SETTINGS)),
            draw(st.integers(0, 3)),
            draw(st.integers(1, 14)),
            draw(st.sampled_from([None, None, "e", "th"])),
        )
        for number in range(draw(st.integers(1, 6)))
    ]
    arrivals: dict[int, list[GenerationRequest]] = {}
    for asks in requests:
        arrivals.setdefault(draw(st.sampled_from([0, 0, 3, 5, 9])), []).append(asks)
    leaving = draw(st.dictionaries(st.integers(1, 12), st.sets(st.integers(0, 5), max_size=2)))
    return Schedule(arrivals, leaving, draw(st.lists(st.booleans(), max_size=15)))


@given(schedules())
@settings(max_examples=60, deadline=None)
def test_answers_are_those_of_steps_one_after_another(engines, schedule: Schedule) -> None:
    plain, ahead = engines

    expected, never = serve(plain, schedule)
    found, _ = serve(ahead, schedule)

    assert found == expected
    assert never == 0


def test_a_step_begins_before_the_tokens_of_the_last_one_are_there(
    ahead: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given
    events: list[str] = []
    forward, result = ahead.model.forward, Fetch.result

    def forward_told(*arguments):
        events.append("forward")
        return forward(*arguments)

    def result_told(fetch: Fetch):
        events.append("tokens")
        return result(fetch)

    monkeypatch.setattr(ahead.model, "forward", forward_told)
    monkeypatch.setattr(Fetch, "result", result_told)

    # when
    ahead.prefill(batch(1, asked(0, tokens=5), asked(1, DRAWN, tokens=5)))
    results = [ahead.decode([1], lambda: True) for _ in range(4)]

    # then the step behind the one that ends all answers, which is known to, is not begun
    assert results[-1].batch is None
    assert events == ["forward", "tokens", *["forward"] * 2, *["tokens", "forward"] * 2,
                      "tokens", "tokens"]  # fmt: skip
    assert not ahead.is_ahead


def test_an_answer_that_ends_unforeseen_costs_a_row_and_no_step(ahead: Engine, engines) -> None:
    # given one that ends with a letter of its text
    long = asked(0, tokens=14)
    text = serve(engines[0], Schedule({0: [asked(1)]}))[0][1][2][0].text
    letter = next(each for each in text[3:] if each.isascii())
    short = asked(1, stop=letter)

    # when
    ahead.prefill(batch(1, long, short))
    ended = False
    while not ended:
        result = ahead.decode([1], lambda: True)
        ended = result.ends_a_request
        assert ahead.is_ahead
    forward = ahead.model.forward
    ahead.model.forward = None  # type: ignore[assignment]
    try:
        following = ahead.decode([1], lambda: False)
    finally:
        ahead.model.forward = forward  # type: ignore[method-assign]

    # then
    assert [each.request_id for each in following.generations] == [0]
    assert following.batch is not None


@pytest.mark.parametrize("chosen", ["penalised", "alternatives", "speculative"])
def test_choices_that_need_the_last_token_wait_for_it(tiny: TinyModel, chosen: str) -> None:
    limits = SpeculationLimits(3, 8) if chosen == "speculative" else NO_SPECULATION
    engine = warm(tiny, True, limits)
    sampling = {
        "penalised": PENALISED,
        "alternatives": SamplingParameters(alternatives=2),
        "speculative": GREEDY,
    }[chosen]
    engine.prefill(batch(1, asked(0), asked(1, sampling)))

    engine.decode([1], lambda: True)

    assert not engine.is_ahead


def test_a_step_that_fails_is_made_again_without_what_was_ahead(ahead: Engine, engines) -> None:
    """Here one whose cache is damaged, which no client can do. The other draws its tokens."""
    # given
    good, bad = asked(0, DRAWN), asked(1)
    expected = serve(engines[0], Schedule({0: [good]}))[0][0][0]
    cache = ahead._cache
    assert cache is not None
    started = ahead.prefill(batch(1, good, bad))
    found = list(started.generations[0].next_tokens.ids)
    result = ahead.decode([1], lambda: True)
    found += result.generations[0].next_tokens.ids
    result = ahead.decode([1], lambda: False)
    found += result.generations[0].next_tokens.ids

    # when
    with torch.inference_mode():
        cache.layers[0].keys[bad.blocks[0], 1] = torch.nan
    with pytest.raises(RequestsFailed, match="with no adapter") as failed:
        ahead.decode([1], lambda: True)
    was_ahead = ahead.is_ahead
    ahead.filter(1, [0])
    while result.batch is not None:
        result = ahead.decode([1], lambda: True)
        found += result.generations[0].next_tokens.ids

    # then
    assert failed.value.request_ids == [1]
    assert not was_ahead
    assert found == expected
    assert not cache.layers[0].keys[list(bad.blocks)].isnan().any()


@torch.inference_mode()
def test_a_row_in_vain_leaves_no_nan_behind(ahead: Engine, engines) -> None:
    """Here because the embedding of the token that ends an answer is damaged."""
    # given
    tokens, texts = answer_of(engines[0], asked(1))
    others, _ = answer_of(engines[0], asked(0, tokens=14))
    place = next(
        place
        for place in range(2, 10)
        if tokens[place] not in {*tokens[:place], *others} and texts[place].isascii()
    )
    cache = ahead._cache
    assert cache is not None
    embedding = ahead.model.embedding
    ahead.prefill(batch(1, asked(0, tokens=14), asked(1, stop=texts[place])))

    # when
    kept = embedding[tokens[place]].clone()
    embedding[tokens[place]] = torch.nan
    try:
        while not ahead.decode([1], lambda: True).ends_a_request:
            pass
        in_vain = cache.layers[0].keys[list(asked(1).blocks)].isnan().any()
        going_on = ahead.decode([1], lambda: False)
    finally:
        embedding[tokens[place]] = kept

    # then
    assert in_vain
    assert [each.request_id for each in going_on.generations] == [0]
    for layer in cache.layers:
        assert not layer.keys.isnan().any()
        assert not layer.values.isnan().any()


def answer_of(engine: Engine, asks: GenerationRequest) -> tuple[list[int], list[str]]:
    """Tokens and their texts."""
    engine.clear(None)
    generations = list(engine.prefill(batch(1, asks)).generations)
    while engine._batches:
        generations += engine.decode([1]).generations
    tokens = [token for each in generations for token in each.next_tokens.ids]
    return tokens, [text for each in generations for text in each.next_tokens.texts]


class UntilTold:
    """See lorax_shard.server.steps.Run; ends when so many results are there."""

    def __init__(self, results: int) -> None:
        self._left = results

    @property
    def is_wanted(self) -> bool:
        return self._left > 0

    def goes_on(self, result: StepResult) -> bool:
        self._left -= 1
        return self.is_wanted


def test_a_run_that_is_told_to_end_ends_behind_the_step_that_is_ahead(ahead: Engine) -> None:
    compute = ComputeThread(timeout_s=60)
    steps = Steps(compute, None)

    async def run() -> list[StepResult]:
        await steps.made(steps.prefill(ahead, batch(1, asked(0), asked(1)), None, False))
        found = []
        following = steps.decode(ahead, [1], UntilTold(3))
        while following is not None:
            result, following = await steps.made(following)
            found.append(result)
        return found

    results = asyncio.run(asyncio.wait_for(run(), 60))
    compute.close()

    assert len(results) == 4
    assert not ahead.is_ahead
