"""Prompts that are computed in parts, or begin where another one's keys and values lie already.

Whatever is cut and shared: tokens and log-probabilities are those of the whole prompt alone.
"""

import math
from collections.abc import Callable

import pytest
from conftest import ADAPTER_IDS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from testing_router import BLOCK_SIZE, Answer, TestingRouter

from lorax_shard.pb import generate_pb2 as pb

TOKENS = 6
LONGEST = 120
STORY = [(13 * place) % 300 + 3 for place in range(LONGEST)]
OTHER = [(7 * place) % 300 + 5 for place in range(LONGEST)]
CHUNK_TOKENS = 24


@pytest.fixture
def chunking(router: TestingRouter):
    """The router, which lets a step compute CHUNK_TOKENS of prompts that go on."""
    router.warm_up(CHUNK_TOKENS)
    yield router
    router.warm_up()


@pytest.fixture(scope="session")
def alone(serving: TestingRouter) -> Callable[[list[int], int], Answer]:
    """The answer to a whole prompt that runs by itself."""
    known: dict[tuple[tuple[int, ...], int], Answer] = {}

    def run(prompt: list[int], adapter: int) -> Answer:
        key = (tuple(prompt), adapter)
        if key not in known:
            request = serving.request(prompt, adapter, max_new_tokens=TOKENS, ignore_eos=True)
            (known[key],) = serving.run(request)
        return known[key]

    return run


def assert_same(found: Answer, expected: Answer) -> None:
    assert found.ids == expected.ids
    assert found.logprobs == pytest.approx(expected.logprobs, abs=1e-4)
    assert found.texts == expected.texts
    assert found.prompt_tokens == expected.prompt_tokens


prompt = st.tuples(
    st.integers(1, LONGEST),  # how long the story is told
    st.integers(0, 3),  # blocks of another story behind it
    st.integers(0, len(ADAPTER_IDS) - 1),
    st.integers(0, 7),  # blocks taken from an earlier prompt, as far as it has them
    st.one_of(st.none(), st.integers(1, LONGEST)),  # first chunk
    st.booleans(),  # joins the running batch, or makes one of its own
    st.booleans(),  # where it joins, whether unfinished prompts of that batch are held
)


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    derandomize=True,
)
@given(waves=st.lists(st.lists(prompt, min_size=1, max_size=4), min_size=1, max_size=4))
def test_any_chunks_and_shared_prefixes_equal_the_whole_prompt_alone(
    chunking: TestingRouter, alone, waves: list
) -> None:
    router = chunking
    # One prompt of each adapter that was computed to its end, for others to share.
    sources = {}
    for adapter in {entry[2] for wave in waves for entry in wave}:
        sources[adapter] = router.request(STORY, adapter, max_new_tokens=TOKENS)
        router.run(sources[adapter])
    expected: dict[int, Answer] = {}
    running: list[pb.CachedBatch] = []
    for wave in waves:
        requests = []
        for length, tail, adapter, blocks, chunk, *_ in wave:
            ids = STORY[:length] + OTHER[: tail * BLOCK_SIZE]
            cached = min(blocks, (length - 1) // BLOCK_SIZE) * BLOCK_SIZE
            request = router.request(
                ids,
                adapter,
                max_new_tokens=TOKENS,
                ignore_eos=True,
                prefix_of=(sources[adapter], cached),
                chunk=None if chunk is None else min(chunk, len(ids) - cached),
            )
            expected[request.id] = alone(ids, adapter)
            requests.append(request)
        joins = running and wave[0][5]
        joined = running.pop() if joins else None
        batch = router.prefill(*requests, joined=joined, holds=joins and wave[0][6])
        running += [batch] if batch is not None else []
    while running:
        batch = router.decode(*running)
        running = [batch] if batch is not None else []

    for request_id, answer in expected.items():
        assert_same(router.answers.pop(request_id), answer)


def test_a_prompt_that_is_held_stays_as_it_is(chunking: TestingRouter, alone) -> None:
    # given a stream, and a long prompt beside it
    stream = chunking.request(STORY[:10], max_new_tokens=12, ignore_eos=True)
    batch = chunking.prefill(stream)
    long = chunking.request(OTHER, 2, max_new_tokens=TOKENS, ignore_eos=True, chunk=CHUNK_TOKENS)
    batch = chunking.prefill(long, joined=batch)
    before = batch.current_tokens

    # when a short one comes between two chunks
    short = chunking.request(STORY[:20], 1, max_new_tokens=TOKENS, ignore_eos=True)
    batch = chunking.prefill(short, joined=batch, holds=True)

    # then the others have made a step, and the next chunk is what it would have been
    assert len(chunking.answers[stream.id].ids) == 3
    assert len(chunking.answers[short.id].ids) == 1
    assert long.id not in chunking.answers
    assert sorted(batch.request_ids) == [stream.id, long.id, short.id]
    assert batch.current_tokens == before + 1
    chunking.finish(batch)
    assert_same(chunking.answers.pop(short.id), alone(STORY[:20], 1))
    assert_same(chunking.answers.pop(long.id), alone(OTHER, 2))


def test_a_prompt_in_chunks_does_not_hold_up_the_others(chunking: TestingRouter, alone) -> None:
    # given a stream that runs
    stream = chunking.request(STORY[:10], max_new_tokens=12, ignore_eos=True)
    batch = chunking.prefill(stream)

    # when a long prompt joins it
    long = chunking.request(OTHER, 2, max_new_tokens=TOKENS, ignore_eos=True, chunk=23)
    batch = chunking.prefill(long, joined=batch)
    told, tokens = [], []
    while long.id not in chunking.answers:
        told.append(len(chunking.answers[stream.id].ids))
        tokens.append(batch.current_tokens)
        batch = chunking.decode(batch)
    chunking.finish(batch)

    # then every step brought the stream a token, and none computed more than it may
    assert told == list(range(2, 2 + len(told)))
    assert len(told) == math.ceil((len(OTHER) - 23) / CHUNK_TOKENS)
    assert max(tokens) == CHUNK_TOKENS + 1
    assert_same(chunking.answers.pop(long.id), alone(OTHER, 2))


def test_the_oldest_unfinished_prompt_goes_first(chunking: TestingRouter) -> None:
    first, second = (
        chunking.request(ids, max_new_tokens=2, ignore_eos=True, chunk=5) for ids in (STORY, OTHER)
    )
    batch = chunking.prefill(second, first)

    while first.id not in chunking.answers:
        assert batch.current_tokens <= CHUNK_TOKENS + 1
        batch = chunking.decode(batch)
        assert second.id not in chunking.answers
    chunking.finish(batch)

    assert len(chunking.answers.pop(second.id).ids) == 2


def test_a_chunked_prompt_can_be_filtered_out(chunking: TestingRouter, alone) -> None:
    stays, goes = (
        chunking.request(ids, 1, max_new_tokens=TOKENS, ignore_eos=True, chunk=9)
        for ids in (STORY, OTHER)
    )
    batch = chunking.prefill(stays, goes)

    kept = chunking.master.FilterBatch(
        pb.FilterBatchRequest(batch_id=batch.id, request_ids=[stays.id])
    ).batch
    chunking.finish(kept)

    assert goes.id not in chunking.answers
    assert_same(chunking.answers.pop(stays.id), alone(STORY, 1))


@pytest.mark.parametrize("chunk", [None, 1, 17, 40])
def test_logprobs_of_the_prompt_are_put_together(chunking: TestingRouter, chunk) -> None:
    ids = STORY[:50]
    (whole,) = chunking.run(chunking.request(ids, 3, prefill_logprobs=True))

    (found,) = chunking.run(chunking.request(ids, 3, prefill_logprobs=True, chunk=chunk))

    assert list(found.prefill.ids) == ids
    assert math.isnan(found.prefill.logprobs[0])
    assert list(found.prefill.logprobs[1:]) == pytest.approx(whole.prefill.logprobs[1:], abs=1e-4)
    assert found.ids == whole.ids


def test_a_cached_prefix_has_no_logprobs(chunking: TestingRouter) -> None:
    ids = STORY[:50]
    source = chunking.request(ids, prefill_logprobs=True)
    (whole,) = chunking.run(source)

    hit = chunking.request(ids, prefill_logprobs=True, prefix_of=(source, 32))
    (found,) = chunking.run(hit)

    assert all(math.isnan(logprob) for logprob in found.prefill.logprobs[:33])
    assert list(found.prefill.logprobs[33:]) == pytest.approx(whole.prefill.logprobs[33:], abs=1e-4)


def test_a_seed_draws_the_same_however_the_prompt_is_cut(chunking: TestingRouter) -> None:
    asked = {"max_new_tokens": 10, "do_sample": True, "seed": 5, "temperature": 1.3}
    (whole,) = chunking.run(chunking.request(STORY, **asked))

    (found,) = chunking.run(chunking.request(STORY, chunk=30, **asked))

    assert found.ids == whole.ids
