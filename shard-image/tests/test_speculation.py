"""Tokens that are proposed and accepted change no answer: not a token, a text or a bit."""

import json
from collections.abc import Iterator, Sequence

import pytest
from conftest import ADAPTER_IDS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shard_process import ShardGroup, start_group
from test_resume import LLAMAS, again, the_same
from testing_router import Answer, TestingRouter
from tiny_model import TinyModel, write_forgetful_model

from lorax_shard.engine.earlier_tokens import EarlierTokens
from lorax_shard.pb import generate_pb2 as pb

TOKENS = 60
PROMPTS = [
    (40, 41, 42),
    tuple(range(60, 95)),
    tuple(range(200, 217)) * 3,
    tuple((7 * i) % 300 + 3 for i in range(45)),
]
COLOURS = json.dumps({"type": "array", "items": {"enum": ["red"]}, "minItems": 9, "maxItems": 9})
COLD = {"do_sample": True, "temperature": 0.3}
ASKED = [
    {},
    {"return_k_alternatives": 3, "prefill_logprobs": True},
    {**COLD, "seed": 11},
    {**COLD, "seed": 12, "top_p": 0.9, "frequency_penalty": 0.1},
    {"do_sample": True, "seed": 13},
    {"repetition_penalty": 1.05},
    {"frequency_penalty": 0.05, "presence_penalty": 0.05},
    {"schema": COLOURS, "max_new_tokens": 80},
    {**COLD, "schema": COLOURS, "max_new_tokens": 80, "seed": 14},
    {"schema": LLAMAS, "max_new_tokens": 80},
]

NOTHING_REPEATS = [ASKED[4], ASKED[-1]]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> TinyModel:
    return write_forgetful_model(tmp_path_factory.mktemp("forgetful"))


@pytest.fixture(scope="module")
def router(tiny: TinyModel, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestingRouter]:
    """A shard without speculation."""
    group = start(tiny, tmp_path_factory.mktemp("plain"), 0)
    yield loaded(group)
    group.stop()


def start(tiny: TinyModel, folder, tokens: int, world: int = 1, sequences: int = 64) -> ShardGroup:
    return start_group(
        folder,
        tiny.directory,
        tiny.adapter_root,
        world,
        (f"--speculative-tokens={tokens}",),
        {"LORAX_SPECULATION_MAX_BATCH_SIZE": str(sequences)},
    )


def loaded(group: ShardGroup) -> TestingRouter:
    router = TestingRouter(group)
    for index, adapter_id in enumerate(ADAPTER_IDS):
        if adapter_id is not None:
            router.load(index, adapter_id)
    return router


@pytest.fixture(scope="module", params=range(1, 6))
def speculating(
    tiny: TinyModel, tmp_path_factory: pytest.TempPathFactory, request
) -> Iterator[TestingRouter]:
    group = start(tiny, tmp_path_factory.mktemp("speculating"), request.param)
    yield loaded(group)
    group.stop()


@pytest.fixture(scope="module")
def four(tiny: TinyModel, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestingRouter]:
    """A shard that proposes four tokens, with a router that has loaded every adapter."""
    group = start(tiny, tmp_path_factory.mktemp("four"), 4)
    yield loaded(group)
    group.stop()


def assert_same(found: Answer, plain: Answer, done: int = 0, cut: bool = False) -> None:
    """To the bit where our kernels compute, unless the prompt of one was cut (decision 0023)."""
    assert found.ids == plain.ids[done:]
    close = pytest.approx(plain.logprobs[done:], abs=1e-4)
    assert found.logprobs == (close if cut else the_same(plain.logprobs[done:]))
    assert found.texts == plain.texts[done:]
    assert found.special == plain.special[done:]
    for other, expected in zip(found.alternatives, plain.alternatives[done:], strict=True):
        assert (other.ids, other.texts) == (expected.ids, expected.texts)
        near = pytest.approx(list(expected.logprobs), abs=1e-4)
        assert list(other.logprobs) == (near if cut else the_same(expected.logprobs))
    assert found.final.text == plain.final.text
    assert found.final.generated_tokens == plain.final.generated_tokens == len(plain.ids)
    assert found.final.finish_reason == plain.final.finish_reason
    assert found.final.seed == plain.final.seed
    assert found.final.skipped_tokens == len(found.ids) - found.steps
    assert plain.final.skipped_tokens == 0


@pytest.mark.parametrize("asked", ASKED, ids=json.dumps)
def test_alone_it_answers_as_without(
    router: TestingRouter, four: TestingRouter, asked: dict
) -> None:
    skipped = 0
    for prompt in PROMPTS:
        settings = {"max_new_tokens": TOKENS, "ignore_eos": True} | asked
        (plain,) = router.run(router.request(list(prompt), 1, **settings))

        (found,) = four.run(four.request(list(prompt), 1, **settings))

        assert_same(found, plain)
        assert found.prompt_tokens == plain.prompt_tokens
        skipped += found.final.skipped_tokens
    assert skipped > 0 or asked in NOTHING_REPEATS


entry = st.tuples(
    st.integers(0, len(PROMPTS) - 1),
    st.integers(0, len(ADAPTER_IDS) - 1),
    st.integers(0, len(ASKED) - 1),
    st.integers(1, TOKENS),  # most tokens
    st.booleans(),  # whether the end token ends it
    st.one_of(st.none(), st.integers(0, TOKENS)),  # where a stop sequence is taken from
    st.one_of(st.none(), st.integers(1, 20)),  # first chunk of the prompt
)
_PLAIN: dict[tuple, Answer] = {}


def plainly(router: TestingRouter, at: int, adapter: int, **asked) -> Answer:
    """The answer without speculation, of a request that runs alone."""
    key = (at, adapter, json.dumps(asked, sort_keys=True))
    if key not in _PLAIN:
        (_PLAIN[key],) = router.run(router.request(list(PROMPTS[at]), adapter, **asked))
    return _PLAIN[key]


@settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    derandomize=True,
)
@given(
    waves=st.lists(
        st.tuples(st.lists(entry, min_size=1, max_size=5), st.integers(0, 8), st.booleans()),
        min_size=1,
        max_size=4,
    )
)
def test_any_mix_answers_as_each_alone_without(
    router: TestingRouter, speculating: TestingRouter, waves: list
) -> None:
    expected: dict[int, tuple[Answer, bool]] = {}
    running: list[pb.CachedBatch] = []
    for entries, steps, joins in waves:
        requests = []
        for at, adapter, kind, count, ignores, cut, chunk in entries:
            asked = {"max_new_tokens": count, "ignore_eos": ignores} | ASKED[kind]
            if cut is not None:
                text = "".join(plainly(router, at, adapter, **asked).texts)
                asked["stop"] = [text[cut : cut + 3] or "never"]
            first = None if chunk is None else min(chunk, len(PROMPTS[at]))
            request = speculating.request(list(PROMPTS[at]), adapter, chunk=first, **asked)
            expected[request.id] = plainly(router, at, adapter, **asked), chunk is not None
            requests.append(request)
        joined = running.pop() if joins and running else None
        batch = speculating.prefill(*requests, joined=joined)
        running += [batch] if batch is not None else []
        for _ in range(steps):
            batch = speculating.decode(*running) if running else None
            running = [batch] if batch is not None else []
    while running:
        batch = speculating.decode(*running)
        running = [batch] if batch is not None else []

    for request_id, (plain, cut) in expected.items():
        assert_same(speculating.answers.pop(request_id), plain, cut=cut)


def test_a_stop_sequence_ends_it_wherever_in_a_step_it_comes(
    router: TestingRouter, four: TestingRouter
) -> None:
    prompt, settings = list(PROMPTS[3]), {"max_new_tokens": TOKENS, "ignore_eos": True}
    (free,) = router.run(router.request(prompt, 2, **settings))
    text = "".join(free.texts)

    for at in range(len(text) - 3):
        stop = [text[at : at + 4]]
        (plain,) = router.run(router.request(prompt, 2, stop=stop, **settings))
        (found,) = four.run(four.request(prompt, 2, stop=stop, **settings))

        assert_same(found, plain)


def test_it_never_needs_more_slots_than_without(four: TestingRouter) -> None:
    """The blocks of these requests are as few as may be: the last token of each has no slot."""
    for count in range(1, 34):
        request = four.request(list(PROMPTS[0]), 1, max_new_tokens=count, ignore_eos=True)
        neighbour = four.request(list(PROMPTS[1]), 1, max_new_tokens=TOKENS, ignore_eos=True)
        assert len(request.blocks) == -(-(len(PROMPTS[0]) + count - 1) // 16)

        answer, beside = four.run(request, neighbour)

        assert len(answer.ids) == count
        (alone,) = four.run(again(neighbour, four))
        assert beside.ids == alone.ids


@pytest.mark.parametrize("done", [1, 2, 9, 20, TOKENS - 1])
def test_what_another_shard_began_goes_on(
    router: TestingRouter, four: TestingRouter, done: int
) -> None:
    for asked in ASKED[:3]:
        settings = {"max_new_tokens": TOKENS, "ignore_eos": True} | asked
        (plain,) = router.run(router.request(list(PROMPTS[2]), 1, **settings))
        request = four.request(list(PROMPTS[2]), 1, **settings)

        four.finish(four.resume({request.id: plain.ids[:done]}, request))

        assert_same(four.answers.pop(request.id), plain, done)


def test_large_batches_and_steps_with_prompts_do_without(
    tiny: TinyModel, tmp_path_factory: pytest.TempPathFactory
) -> None:
    group = start(tiny, tmp_path_factory.mktemp("limited"), 4, sequences=2)
    try:
        router = TestingRouter(group)
        settings = {"max_new_tokens": TOKENS, "ignore_eos": True}

        def asked() -> pb.Request:
            return router.request(list(PROMPTS[2]), **settings)

        two = router.run(asked(), asked())
        three = router.run(asked(), asked(), asked())

        assert group.stubs()[0].Info(pb.InfoRequest()).speculate == 4
        assert all(answer.final.skipped_tokens > 0 for answer in two)
        assert all(answer.final.skipped_tokens == 0 for answer in three)
        assert {tuple(answer.ids) for answer in [*two, *three]} == {tuple(two[0].ids)}

        # when a prompt is computed in chunks beside a stream
        router.warm_up(4)
        stream = asked()
        batch = router.prefill(stream)
        joining = router.request(list(PROMPTS[1]), chunk=4, **settings)
        batch = router.prefill(joining, joined=batch)
        while joining.id not in router.answers:
            batch = router.decode(batch)
        so_far = router.answers[stream.id]
        assert so_far.steps == len(so_far.ids) > 5
        router.finish(batch)
        assert router.answers.pop(stream.id).final.skipped_tokens > 0
    finally:
        group.stop()
    told = group.shards[0].log_records()[-1]["message"]
    assert "proposed tokens were accepted" in told


def test_two_shards_accept_the_same(
    router: TestingRouter, tiny: TinyModel, tmp_path_factory: pytest.TempPathFactory
) -> None:
    cases = [(at, adapter) for adapter in range(len(ADAPTER_IDS)) for at in range(len(PROMPTS))]
    asked = {"max_new_tokens": TOKENS, "ignore_eos": True}
    plain = [plainly(router, at, adapter, **asked) for at, adapter in cases]
    group = start(tiny, tmp_path_factory.mktemp("two"), 4, world=2)
    try:
        pair = loaded(group)

        found = pair.run(
            *(pair.request(list(PROMPTS[at]), adapter, **asked) for at, adapter in cases)
        )
        drawn = pair.run(
            *(pair.request(list(PROMPTS[2]), 1, **asked, **COLD, seed=seed) for seed in range(4))
        )
    finally:
        group.stop()
    assert [answer.ids for answer in found] == [answer.ids for answer in plain]
    for answer in [*found, *drawn]:
        assert answer.final.skipped_tokens == len(answer.ids) - answer.steps
    assert sum(answer.final.skipped_tokens for answer in found) > 100


def naive(ids: Sequence[int], count: int) -> list[int]:
    """From the last place where the last three tokens, or two, have come before."""
    for length in (3, 2):
        tail = list(ids[-length:])
        for start in range(len(ids) - length - 1, -1, -1):
            if list(ids[start : start + length]) == tail:
                copied = list(ids)
                for place in range(count):
                    copied.append(copied[start + length + place])
                return copied[len(ids) :]
    return []


@given(st.lists(st.integers(0, 2), min_size=1, max_size=40), st.integers(1, 8), st.data())
def test_proposals_are_what_followed_last(ids: list[int], count: int, data) -> None:
    earlier = EarlierTokens()
    known = data.draw(st.lists(st.integers(1, len(ids)), max_size=6).map(sorted))
    for read in known:
        earlier.continuation(ids[:read], 1)

    assert earlier.continuation(ids, count) == naive(ids, count)
