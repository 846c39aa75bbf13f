"""Steps say the same as a Prefill or a Decode, in another form."""

from hypothesis import given
from hypothesis import strategies as st
from testing_router import Answer, TestingRouter, rows

from lorax_shard.engine.messages import (
    Alternatives,
    BatchSummary,
    FinishReason,
    GeneratedText,
    Generation,
    StepResult,
    Tokens,
)
from lorax_shard.pb import extensions_pb2
from lorax_shard.server import translate
from lorax_shard.server.columns import step_reply

PROMPTS = [tuple(range(60, 95)), (40, 41, 42), tuple(range(200, 217))]

numbers = st.integers(0, 2**32 - 1)
logprobs = st.floats(width=32, allow_nan=False)
texts = st.sampled_from(["", " a", "猫", "\n"])
alternatives = st.builds(
    Alternatives, *(st.lists(each, min_size=2, max_size=2) for each in (numbers, logprobs, texts))
)


@st.composite
def tokens(draw: st.DrawFn, count: int) -> Tokens:
    columns = [
        draw(st.lists(each, min_size=count, max_size=count))
        for each in (numbers, logprobs, texts, st.booleans())
    ]
    return Tokens(*columns, draw(st.lists(alternatives, max_size=1)))


ends = st.builds(
    GeneratedText,
    text=texts,
    generated_tokens=st.integers(1, 99),
    finish_reason=st.sampled_from(FinishReason),
    seed=st.none() | numbers,
    skipped_tokens=st.integers(0, 98),
)
generations = st.builds(
    Generation,
    request_id=st.integers(0, 2**64 - 1),
    next_tokens=tokens(1),
    prompt_tokens=st.sampled_from([0, 0, 3]),
    prefill_tokens=st.none() | tokens(3),
    text=st.none() | ends,
)
plain = st.builds(
    Generation,
    request_id=st.integers(0, 2**64 - 1),
    next_tokens=st.builds(
        lambda *columns: Tokens(*([each] for each in columns), alternatives=[]),
        numbers,
        logprobs,
        texts,
        st.booleans(),
    ),
    prompt_tokens=st.just(0),
    prefill_tokens=st.none(),
    text=st.none(),
)
results = st.builds(
    StepResult,
    st.lists(plain | generations, max_size=20, unique_by=lambda each: each.request_id),
    st.none() | st.just(BatchSummary(7, [3, 4], 64, 2)),
)


@given(result=results, world=st.integers(1, 3))
def test_columns_say_what_rows_say(result: StepResult, world: int) -> None:
    for rank in range(world):
        response = step_reply(result, rank, world)

        told = [*rows(response.tokens), *response.generations]
        expected = translate.generations(result.generations, rank, world)
        assert _by_id(told) == _by_id(expected)
        assert response.HasField("batch") == (result.batch is not None)
        if result.batch is not None:
            assert response.batch == translate.cached_batch(result.batch)


def _by_id(messages: list) -> list:
    return sorted(messages, key=lambda each: each.request_id)


@given(result=st.builds(StepResult, st.lists(plain, min_size=1, max_size=20), st.none()))
def test_a_token_alone_takes_no_message(result: StepResult) -> None:
    response = step_reply(result, 0, 1)

    assert not response.generations
    assert len(response.tokens.ids) == len(result.generations)


def test_a_shard_answers_both_ways_alike(router: TestingRouter) -> None:
    answers = []
    for columns in (False, True):
        router.columns = columns
        try:
            answers.append(_mixed_batch(router))
        finally:
            router.columns = False

    assert answers[0] == answers[1]
    assert any(True in answer.special for answer in answers[0])
    assert any(answer.alternatives for answer in answers[0])


def _mixed_batch(router: TestingRouter) -> list[Answer]:
    """Requests that end at different times, of which one joins the others."""
    requests = [
        router.request(list(PROMPTS[0]), 1, max_new_tokens=9, return_k_alternatives=2),
        router.request(list(PROMPTS[1]), 2, max_new_tokens=1, prefill_logprobs=True),
        router.request(
            list(PROMPTS[2]), max_new_tokens=40, do_sample=True, seed=7, temperature=1.5
        ),
        router.request(list(PROMPTS[2]), max_new_tokens=120, do_sample=True, seed=5),
    ]
    late = router.request(list(PROMPTS[1]), max_new_tokens=5)
    running = router.decode(router.prefill(*requests))
    router.finish(router.prefill(late, joined=running))
    return [router.answers.pop(request.id) for request in (*requests, late)]


def test_says_that_it_makes_steps(group) -> None:
    capabilities = group.extensions().Capabilities(extensions_pb2.CapabilitiesRequest())

    assert capabilities.steps
