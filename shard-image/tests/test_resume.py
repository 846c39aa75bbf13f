"""Sequences that another shard began go on as if it had never gone: after any number of tokens."""

import json
import math
from collections.abc import Sequence
from pathlib import Path

import grpc
import pytest
import torch
from conftest import ADAPTER_IDS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shard_process import ShardGroup, start_group
from testing_router import Answer, TestingRouter
from tiny_model import TinyModel

from lorax_shard.layers.native import native_kernels
from lorax_shard.pb import extensions_pb2
from lorax_shard.pb import generate_pb2 as pb

PROMPT = list(range(60, 95))
# Bytes of characters that no token of the vocabulary holds: each token ends inside one.
LLAMAS = json.dumps({"enum": ["🦙🦘🦥 größer als 日本語", "🦔 kleiner"]})
ASKED = {
    "greedy": {},
    "adapter": {"adapter": 3},
    "adapted head": {"adapter": 6},
    "sampled": {"adapter": 1, "do_sample": True, "temperature": 1.3, "seed": 11},
    "warped": {"temperature": 0.9, "top_k": 30, "top_p": 0.9, "typical_p": 0.95, "seed": 2**63},
    "repetition": {"adapter": 2, "repetition_penalty": 1.4},
    "frequency and presence": {"frequency_penalty": 0.8, "presence_penalty": 0.6},
    "penalised draws": {"do_sample": True, "seed": 5, "frequency_penalty": 1.2},
    "schema": {"schema": LLAMAS, "max_new_tokens": 80},
    "sampled schema": {"schema": LLAMAS, "max_new_tokens": 80, "do_sample": True, "seed": 4},
    "alternatives": {"return_k_alternatives": 3},
    "prompt logprobs": {"prefill_logprobs": True},
    "truncated": {"truncate": 17},
}


def the_same(logprobs: Sequence[float]):
    """To the bit, unless PyTorch's own products compute: these depend on the height."""
    ours = native_kernels(torch.device("cpu"), torch.float32) is not None
    return list(logprobs) if ours else pytest.approx(list(logprobs), abs=1e-4)


def assert_goes_on(resumed: Answer, whole: Answer, done: int) -> None:
    """To the bit where our kernels compute: greedy choices between close tokens must not change."""
    assert resumed.ids == whole.ids[done:]
    assert resumed.texts == whole.texts[done:]
    assert resumed.logprobs == the_same(whole.logprobs[done:])
    assert resumed.special == whole.special[done:]
    for other, expected in zip(resumed.alternatives, whole.alternatives[done:], strict=True):
        assert (other.ids, other.texts) == (expected.ids, expected.texts)
        assert list(other.logprobs) == the_same(expected.logprobs)
    assert resumed.final == whole.final
    assert resumed.prompt_tokens == 0
    assert resumed.prefill is None


def again(request: pb.Request, router: TestingRouter) -> pb.Request:
    """The same request under another id, with other blocks."""
    copy = pb.Request()
    copy.CopyFrom(request)
    fresh = router.request([1], max_new_tokens=len(request.blocks) * 16)
    copy.id = fresh.id
    copy.blocks[:] = fresh.blocks
    copy.slots[:] = fresh.slots[: len(request.slots)]
    return copy


def run_resumed(
    router: TestingRouter, requests: Sequence[pb.Request], generated: Sequence[Sequence[int]]
) -> list[Answer]:
    known = {
        request.id: ids for request, ids in zip(requests, generated, strict=True) if len(ids) > 0
    }
    router.finish(router.resume(known, *requests))
    return [router.answers.pop(request.id) for request in requests]


@pytest.mark.parametrize("case", ASKED)
def test_goes_on_after_each_of_its_tokens(router: TestingRouter, case: str) -> None:
    # given
    asked = {"max_new_tokens": 20, "ignore_eos": True} | ASKED[case]
    request = router.request(PROMPT, **asked)
    (whole,) = router.run(request)
    cuts = range(1, len(whole.ids))
    assert len(cuts) > 4

    # when each alone, then all of them together
    requests = [again(request, router) for _ in cuts]
    alone = [
        run_resumed(router, [each], [whole.ids[:done]])[0]
        for each, done in zip(requests, cuts, strict=True)
    ]
    requests = [again(request, router) for _ in cuts]
    together = run_resumed(router, requests, [whole.ids[:done] for done in cuts])

    # then
    for done, one, other in zip(cuts, alone, together, strict=True):
        assert_goes_on(one, whole, done)
        assert_goes_on(other, whole, done)


def test_the_schema_of_these_tests_has_tokens_inside_characters(router: TestingRouter) -> None:
    (answer,) = router.run(router.request(PROMPT, schema=LLAMAS, max_new_tokens=80))

    assert answer.texts.count("") > 3
    assert json.loads(answer.final.text)


def test_a_stop_sequence_that_began_before_is_found(router: TestingRouter) -> None:
    # given a stop sequence that lies across tokens
    (free,) = router.run(router.request(PROMPT, max_new_tokens=30, ignore_eos=True))
    full = "".join(free.texts)
    stop = next(
        full[at : at + 4]
        for at in range(8, len(full) - 4)
        if full.index(full[at : at + 4]) == at and "\ufffd" not in full[at : at + 4]
    )
    request = router.request(PROMPT, max_new_tokens=30, ignore_eos=True, stop=[stop])
    (whole,) = router.run(request)
    assert whole.final.finish_reason == pb.FINISH_REASON_STOP_SEQUENCE

    for done in range(1, len(whole.ids)):
        # when
        (resumed,) = run_resumed(router, [again(request, router)], [whole.ids[:done]])

        # then
        assert_goes_on(resumed, whole, done)


def test_the_end_token_ends_it(router: TestingRouter) -> None:
    # given an answer that ends with the token that ends sequences
    hot = {"do_sample": True, "temperature": 5.0, "max_new_tokens": 40}
    requests = [router.request(PROMPT, seed=seed, **hot) for seed in range(60)]
    whole, request = next(
        (answer, request)
        for answer, request in zip(router.run(*requests), requests, strict=True)
        if answer.final.finish_reason == pb.FINISH_REASON_EOS_TOKEN and len(answer.ids) > 3
    )

    # when
    done = len(whole.ids) - 1
    (resumed,) = run_resumed(router, [again(request, router)], [whole.ids[:done]])

    # then
    assert_goes_on(resumed, whole, done)


def test_more_tokens_than_one_pass_takes(router: TestingRouter) -> None:
    # given
    request = router.request(PROMPT, adapter=1, max_new_tokens=400, ignore_eos=True)
    (whole,) = router.run(request)
    cuts = [399, 1, 255, 256, 257, 300]

    # when
    requests = [again(request, router) for _ in cuts]
    resumed = run_resumed(router, requests, [whole.ids[:done] for done in cuts])

    # then
    for done, answer in zip(cuts, resumed, strict=True):
        assert_goes_on(answer, whole, done)


entry = st.tuples(
    st.integers(1, 40),  # tokens of the prompt
    st.integers(0, len(ADAPTER_IDS) - 1),
    st.booleans(),  # sampled
    st.floats(0, 0.999),  # how far it came before
)


@settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    derandomize=True,
)
@given(entries=st.lists(entry, min_size=1, max_size=8), steps=st.integers(0, 4))
def test_any_mix_of_new_and_resumed_beside_running_ones(
    router: TestingRouter, entries: list, steps: int
) -> None:
    # given
    def asked(length: int, adapter: int, sampled: bool) -> pb.Request:
        prompt = [(length + 5 * place) % 300 + 3 for place in range(length)]
        chance = {"do_sample": True, "seed": length} if sampled else {}
        return router.request(prompt, adapter, max_new_tokens=16, **chance)

    wholes = [router.run(asked(*each[:3]))[0] for each in entries]
    done = [int(each[3] * len(whole.ids)) for each, whole in zip(entries, wholes, strict=True)]
    neighbour = router.request(PROMPT, 2, max_new_tokens=30)
    running = router.prefill(neighbour)

    # when
    requests = [asked(*each[:3]) for each in entries]
    known = {
        request.id: whole.ids[:count]
        for request, whole, count in zip(requests, wholes, done, strict=True)
        if count
    }
    resumed = router.resume(known, *requests)
    batches = [batch for batch in (running, resumed) if batch is not None]
    for _ in range(steps):
        joined = router.decode(*batches) if batches else None
        batches = [joined] if joined is not None else []
    while batches:
        joined = router.decode(*batches)
        batches = [joined] if joined is not None else []

    # then
    router.answers.pop(neighbour.id)
    for request, whole, count in zip(requests, wholes, done, strict=True):
        answer = router.answers.pop(request.id)
        assert answer.ids == whole.ids[count:]
        assert answer.logprobs == the_same(whole.logprobs[count:])
        assert answer.final == whole.final


def test_two_shards_go_on_where_two_others_were(
    tiny: TinyModel, tmp_path_factory: pytest.TempPathFactory
) -> None:
    # given
    settings = {"max_new_tokens": 24, "ignore_eos": True}
    wholes: list[Answer] = []

    def fresh() -> tuple[ShardGroup, TestingRouter]:
        folder: Path = tmp_path_factory.mktemp("resume")
        group = start_group(folder, tiny.directory, tiny.adapter_root, world=2)
        router = TestingRouter(group)
        for index in (1, 2):
            router.load(index, ADAPTER_IDS[index])
        return group, router

    group, router = fresh()
    try:
        wholes = router.run(*(router.request(PROMPT, adapter, **settings) for adapter in (0, 1, 2)))
    finally:
        for shard in group.shards:
            shard.process.kill()
            shard.process.wait()

    # when
    group, router = fresh()
    try:
        requests = [router.request(PROMPT, adapter, **settings) for adapter in (0, 1, 2)]
        resumed = run_resumed(
            router, requests, [whole.ids[: 7 + at] for at, whole in enumerate(wholes)]
        )
    finally:
        group.stop()

    # then
    for at, (answer, whole) in enumerate(zip(resumed, wholes, strict=True)):
        assert_goes_on(answer, whole, 7 + at)
        assert not any(math.isnan(logprob) for logprob in answer.logprobs)


def test_says_that_it_can(group: ShardGroup) -> None:
    answer = group.extensions().Capabilities(extensions_pb2.CapabilitiesRequest())

    assert answer.resume
    assert answer.all_in_steps


@pytest.mark.parametrize(
    ("generated", "reason"),
    [
        ([{1: [70] * 12}], "expected fewer than max_new_tokens (12) generated tokens, got 12"),
        ([{1: [70, 9999]}], "token id 9999 does not exist: the vocabulary has"),
        ([{2: [70]}], "which batch 77 does not hold"),
        ([{1: [70]}, {1: [70]}], "come twice"),
    ],
)
def test_tokens_that_cannot_be_are_refused(
    router: TestingRouter, group: ShardGroup, generated: list, reason: str
) -> None:
    # given
    running = router.request(PROMPT)
    request = router.request(PROMPT)
    batch = router.prefill(running)
    tokens = [
        extensions_pb2.GeneratedTokens(request_id=request.id + place - 1, ids=ids)
        for each in generated
        for place, ids in each.items()
    ]

    # when
    with pytest.raises(grpc.RpcError) as refused:
        group.extensions().Resume(
            extensions_pb2.ResumeRequest(
                batch=pb.Batch(id=77, requests=[request], size=1), generated=tokens
            )
        )

    # then
    assert reason in refused.value.details()
    router.finish(batch)
    assert len(router.answers.pop(running.id).ids) == 12


def test_tokens_that_break_their_schema_are_refused(router: TestingRouter) -> None:
    request = router.request(PROMPT, schema=LLAMAS, max_new_tokens=80)

    with pytest.raises(grpc.RpcError) as refused:
        router.resume({request.id: [70, 71]}, request)

    assert "its 2 generated tokens end the answer or do not follow" in refused.value.details()
