"""Greedy answers equal those of transformers and PEFT, alone and in any mix of a batch."""

import math

import pytest
import torch
from conftest import ADAPTER_IDS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from testing_router import TestingRouter

from lorax_shard.pb import generate_pb2 as pb

PROMPTS = [
    (1,),
    (40, 41, 42),
    tuple(range(60, 75)),
    tuple(range(100, 116)),
    tuple(range(200, 217)),
    tuple((7 * i) % 300 + 3 for i in range(45)),
]
TOKENS = 18


@pytest.mark.parametrize("adapter", range(len(ADAPTER_IDS)), ids=lambda index: ADAPTER_IDS[index])
def test_one_request_alone_equals_transformers(router: TestingRouter, greedy, adapter: int) -> None:
    for prompt in PROMPTS:
        # when
        (answer,) = router.run(router.request(list(prompt), adapter, max_new_tokens=TOKENS))

        # then
        assert answer.ids == greedy(prompt, adapter, TOKENS)
        assert answer.prompt_tokens == len(prompt)


def test_adapters_differ_from_the_base_and_from_one_another(greedy) -> None:
    answers = {tuple(greedy(PROMPTS[5], index, TOKENS)) for index in range(len(ADAPTER_IDS))}

    assert len(answers) == len(ADAPTER_IDS)


entry = st.tuples(
    st.integers(0, len(PROMPTS) - 1),
    st.integers(0, len(ADAPTER_IDS) - 1),
    st.integers(1, TOKENS),
)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    derandomize=True,
)
@given(
    waves=st.lists(
        st.tuples(st.lists(entry, min_size=1, max_size=6), st.integers(0, 5)),
        min_size=1,
        max_size=4,
    )
)
def test_any_mix_of_batches_equals_each_request_alone(
    router: TestingRouter, greedy, waves: list
) -> None:
    # given batches that join one another after some steps
    expected, batches = {}, []

    # when
    for entries, steps in waves:
        requests = [
            router.request(list(PROMPTS[prompt]), adapter, max_new_tokens=count)
            for prompt, adapter, count in entries
        ]
        for request, (prompt, adapter, count) in zip(requests, entries, strict=True):
            expected[request.id] = greedy(PROMPTS[prompt], adapter, TOKENS)[:count]
        batches = [batch for batch in [*batches, router.prefill(*requests)] if batch is not None]
        for _ in range(steps):
            if batches:
                joined = router.decode(*batches)
                batches = [joined] if joined is not None else []
    while batches:
        joined = router.decode(*batches)
        batches = [joined] if joined is not None else []

    # then
    assert {request: router.answers.pop(request).ids for request in expected} == expected


def test_logprobs_of_prompt_and_answer_equal_transformers(tiny, router: TestingRouter) -> None:
    # given
    prompt = list(PROMPTS[3])

    # when
    plain = router.request(list(PROMPTS[2]))
    asked = router.request(prompt, adapter=1, max_new_tokens=4, prefill_logprobs=True)
    other, answer = router.run(plain, asked)

    # then
    ids = prompt + answer.ids
    with torch.inference_mode():
        logits = tiny.reference(ADAPTER_IDS[1])(torch.tensor([ids])).logits[0]
    logprobs = logits.log_softmax(-1)
    expected = [float(logprobs[place, token]) for place, token in enumerate(ids[1:])]
    assert list(answer.prefill.ids) == prompt
    assert math.isnan(answer.prefill.logprobs[0])
    assert answer.prefill.logprobs[1:] == pytest.approx(expected[: len(prompt) - 1], abs=1e-4)
    assert answer.logprobs == pytest.approx(expected[len(prompt) - 1 :], abs=1e-4)
    assert other.prefill is None


def test_prompts_are_truncated_on_the_left(router: TestingRouter, greedy) -> None:
    (answer,) = router.run(router.request(list(PROMPTS[5]), truncate=9, max_new_tokens=6))

    assert answer.ids == greedy(PROMPTS[5][-9:], 0, 6)
    assert answer.prompt_tokens == 9


def test_a_prompt_without_ids_is_tokenised(tiny, router: TestingRouter, greedy) -> None:
    # given
    request = router.request([1] * 20, max_new_tokens=5)
    request.inputs = "the quick brown fox"
    del request.tokenized_inputs.ids[:]

    # when
    (answer,) = router.run(request)

    # then
    assert answer.ids == greedy(tuple(tiny.tokenizer()(request.inputs).input_ids), 0, 5)


def test_the_health_batch_runs_beside_others(router: TestingRouter, greedy) -> None:
    # given
    running = router.request(list(PROMPTS[5]), max_new_tokens=10)
    batch = router.prefill(running)

    # when
    largest = 2**64 - 1
    health = pb.Request(
        id=largest,
        tokenized_inputs=pb.TokenizedInputs(ids=[75]),
        truncate=10,
        parameters=pb.NextTokenChooserParameters(temperature=1.0, top_p=1.0, typical_p=1.0),
        stopping_parameters=pb.StoppingCriteriaParameters(max_new_tokens=1),
        blocks=[0],
        slots=range(16),
    )
    answer = router.master.Prefill(
        pb.PrefillRequest(batch=pb.Batch(id=largest, requests=[health], size=1, max_tokens=2))
    )
    router.finish(batch)

    # then
    assert not answer.HasField("batch")
    assert list(answer.generations[0].next_tokens.ids) == greedy((75,), 0, 1)
    assert router.answers.pop(running.id).ids == greedy(PROMPTS[5], 0, 10)


def test_warm_up_again_answers_the_same(router: TestingRouter) -> None:
    from testing_router import warm_up_batch

    request = pb.WarmupRequest(batch=warm_up_batch())
    first, second = router.master.Warmup(request), router.master.Warmup(request)

    assert first.max_supported_total_tokens == second.max_supported_total_tokens > 0
    assert first.max_supported_total_tokens % 16 == 0
