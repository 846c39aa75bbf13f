"""Cached batches: joined, filtered, cleared, and unharmed by calls that fail."""

import grpc
import pytest
from testing_router import TestingRouter

from lorax_shard.pb import generate_pb2 as pb

PROMPT = tuple(range(60, 95))
OTHER = tuple(range(120, 130))


def refusal(call, request) -> str:
    """The message of a call that must fail the way upstream's shards fail."""
    with pytest.raises(grpc.RpcError) as refused:
        call(request)
    assert refused.value.code() is grpc.StatusCode.INTERNAL
    return refused.value.details()


def prefill(router: TestingRouter, *requests: pb.Request, batch_id: int = 10**6):
    batch = pb.Batch(id=batch_id, requests=requests, size=len(requests))
    return router.master.Prefill, pb.PrefillRequest(batch=batch)


def test_a_cached_batch_tells_what_goes_on(router: TestingRouter) -> None:
    # given
    short = router.request(list(OTHER), max_new_tokens=1)
    long = router.request(list(PROMPT), max_new_tokens=20)

    # when
    batch = router.prefill(short, long)

    # then
    assert list(batch.request_ids) == [long.id]
    assert batch.size == batch.current_tokens == 1
    assert batch.max_tokens == len(long.blocks) * 16


def test_joined_batches_keep_the_first_id_and_the_order(router: TestingRouter) -> None:
    first, second = router.request(list(PROMPT)), router.request(list(OTHER))
    one, two = router.prefill(first), router.prefill(second)

    joined = router.decode(two, one)

    assert joined.id == two.id
    assert list(joined.request_ids) == [second.id, first.id]


def test_filtering_leaves_the_others_as_they_were(router: TestingRouter, greedy) -> None:
    # given
    requests = [router.request(list(PROMPT), adapter) for adapter in (0, 1, 2)]
    batch = router.decode(router.prefill(*requests))

    # when
    kept = router.master.FilterBatch(
        pb.FilterBatchRequest(batch_id=batch.id, request_ids=[requests[2].id, requests[0].id])
    ).batch
    router.finish(kept)

    # then
    assert sorted(kept.request_ids) == [requests[0].id, requests[2].id]
    assert router.answers.pop(requests[0].id).ids == greedy(PROMPT, 0, 12)
    assert router.answers.pop(requests[2].id).ids == greedy(PROMPT, 2, 12)
    assert len(router.answers.pop(requests[1].id).ids) == 2


def test_filtering_to_nothing_or_to_strangers_is_refused(router: TestingRouter, greedy) -> None:
    # given
    request = router.request(list(PROMPT))
    batch = router.prefill(request)

    # when
    empty = refusal(router.master.FilterBatch, pb.FilterBatchRequest(batch_id=batch.id))
    strange = refusal(
        router.master.FilterBatch,
        pb.FilterBatchRequest(batch_id=batch.id, request_ids=[request.id, 10**9]),
    )
    router.finish(batch)

    # then
    assert empty == f"batch {batch.id} would be left empty: clear it instead"
    assert strange == f"batch {batch.id} does not hold requests [{10**9}]"
    assert router.answers.pop(request.id).ids == greedy(PROMPT, 0, 12)


def test_a_cleared_batch_is_gone_and_others_are_not(router: TestingRouter, greedy) -> None:
    # given
    kept, dropped = router.request(list(PROMPT)), router.request(list(OTHER))
    one, two = router.prefill(kept), router.prefill(dropped)

    # when
    router.master.ClearCache(pb.ClearCacheRequest(id=two.id))
    message = refusal(router.master.Decode, pb.DecodeRequest(batches=[one, two]))
    router.finish(one)

    # then
    assert message == f"Batch ID {two.id} not found in cache."
    assert router.answers.pop(kept.id).ids == greedy(PROMPT, 0, 12)


def test_clearing_without_an_id_drops_everything(router: TestingRouter) -> None:
    batch = router.prefill(router.request(list(PROMPT)))

    router.master.ClearCache(pb.ClearCacheRequest())

    message = refusal(router.master.Decode, pb.DecodeRequest(batches=[batch]))
    assert message == f"Batch ID {batch.id} not found in cache."


def bad_requests(router: TestingRouter) -> dict[str, pb.Request]:
    """Requests that cannot be served, by a part of the message that says why."""
    few = router.request(list(PROMPT), max_new_tokens=30)
    del few.blocks[1:]
    del few.slots[:]
    outside = router.request(list(OTHER))
    outside.blocks[0] = 10**9
    del outside.slots[:]
    skewed = router.request(list(OTHER))
    skewed.slots[3] += 1
    cached = router.request(list(PROMPT))
    cached.cache_len = len(PROMPT)
    chunked = router.request(list(PROMPT), chunk=20)
    chunked.cache_len = 16
    empty = router.request(list(OTHER))
    del empty.tokenized_inputs.ids[:]
    endless = router.request(list(OTHER))
    endless.stopping_parameters.max_new_tokens = 0
    return {
        "adapter index 99 is not loaded": router.request(list(OTHER), adapter=99),
        "needs 64 cache slots": few,
        "block 1000000000 does not exist": outside,
        "slots are not the first": skewed,
        "cache_len must be less than the 35 tokens of the prompt, got 35": cached,
        "chunk_len must be from 1 to 19": chunked,
        "chunk_len must be from 1 to 35": router.request(list(PROMPT), chunk=0),
        "the prompt is empty": empty,
        "max_new_tokens must be positive": endless,
        "token id 5000 does not exist": router.request([5000]),
        "the model has 512": router.request([5] * 500, max_new_tokens=100),
        "watermark is not supported": router.request(list(OTHER), watermark=True),
    }


def test_a_bad_prefill_fails_alone(router: TestingRouter, greedy) -> None:
    # given
    request = router.request(list(PROMPT), adapter=3)
    batch = router.prefill(request)

    for reason, bad in bad_requests(router).items():
        # when
        good = router.request(list(OTHER), max_new_tokens=1)
        call, message = prefill(router, good, bad)

        # then
        assert reason in refusal(call, message)
        batch = router.decode(batch) if batch is not None else None
    router.finish(batch)
    assert router.answers.pop(request.id).ids == greedy(PROMPT, 3, 12)


def test_a_batch_id_is_used_once(router: TestingRouter) -> None:
    batch = router.prefill(router.request(list(PROMPT)))

    call, message = prefill(router, router.request(list(OTHER)), batch_id=batch.id)

    assert refusal(call, message) == f"batch {batch.id} is cached already"
