"""All steps of a router go over one call: a failure leaves it open, a shard that stops ends it.

In a run, a shard makes steps without being asked, until it is told or nothing is left.
"""

import time
from collections.abc import Callable
from pathlib import Path

import grpc
import pytest
from shard_process import ShardGroup, start_group
from testing_router import StepStream, TestingRouter
from tiny_model import TinyModel

from lorax_shard.pb import extensions_pb2
from lorax_shard.pb import generate_pb2 as pb

PROMPT = [60, 61, 62]
# A server that waited for the call would wait this long.
GRACE_SECONDS = 5.0


def prefill(
    router: TestingRouter,
    batch_id: int,
    new_tokens: int = 12,
    run: extensions_pb2.Run = extensions_pb2.RUN_NONE,
) -> extensions_pb2.StepRequest:
    request = router.request(PROMPT, max_new_tokens=new_tokens, ignore_eos=True)
    batch = pb.Batch(id=batch_id, requests=[request], size=1)
    return extensions_pb2.StepRequest(prefill=pb.PrefillRequest(batch=batch), run=run)


def decode(
    batch_id: int, run: extensions_pb2.Run = extensions_pb2.RUN_NONE
) -> extensions_pb2.StepRequest:
    request = pb.DecodeRequest(batches=[pb.CachedBatch(id=batch_id)])
    return extensions_pb2.StepRequest(decode=request, run=run)


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (
            extensions_pb2.StepRequest(),
            "a step: expected prefill, decode or resume, got none of them",
        ),
        (decode(977), "Batch ID 977 not found in cache."),
    ],
    ids=["neither", "unknown"],
)
def test_a_step_that_fails_leaves_the_call_open(
    router: TestingRouter, group: ShardGroup, step: extensions_pb2.StepRequest, message: str
) -> None:
    # given
    stream = StepStream(group.extensions())

    # when
    for each in (step, prefill(router, 800), decode(800)):
        stream.ask(each)

    # then the replies come in the order of the requests
    failed, first, second = (stream.reply() for _ in range(3))
    assert failed.failure.message == message
    assert failed.failure.status == grpc.StatusCode.INTERNAL.value[0]
    assert not failed.HasField("batch")
    assert [len(first.generations), len(second.tokens.ids)] == [1, 1]
    assert second.batch.id == 800


def test_a_router_that_goes_takes_no_step_along(router: TestingRouter, group: ShardGroup) -> None:
    # given
    left = StepStream(group.extensions())
    left.ask(extensions_pb2.StepRequest(prefill=router.long_prefill()))

    # when
    left.call.cancel()
    router.fan_out("ClearCache", pb.ClearCacheRequest())

    # then
    stream = StepStream(group.extensions())
    stream.ask(prefill(router, 801))
    assert stream.reply().batch.id == 801


def test_a_shard_that_stops_makes_the_step_and_ends_the_calls(
    tiny: TinyModel, folder: Path
) -> None:
    # given
    group = start_group(folder, tiny.directory, tiny.adapter_root)
    router = TestingRouter(group)
    idle, busy = (StepStream(group.extensions()) for _ in range(2))
    idle.ask(prefill(router, 802))
    idle.reply()
    busy.ask(extensions_pb2.StepRequest(prefill=router.long_prefill()))
    time.sleep(0.1)

    # when
    began = time.monotonic()
    group.shards[0].process.terminate()

    # then
    assert len(busy.reply().generations) > 1
    assert list(busy.call) == list(idle.call) == []
    assert idle.call.code() is busy.call.code() is grpc.StatusCode.OK
    assert group.shards[0].process.wait(timeout=30) == 0
    assert time.monotonic() - began < GRACE_SECONDS


def run_replies(stream: StepStream) -> list[extensions_pb2.StepReply]:
    """All replies of a run, of which one has been asked for."""
    replies = [stream.reply()]
    while replies[-1].run_goes_on:
        replies.append(stream.reply())
    return replies


def tokens(replies: list[extensions_pb2.StepReply]) -> int:
    return sum(len(reply.tokens.ids) + len(reply.generations) for reply in replies)


END_RUN = extensions_pb2.StepRequest(end_run=extensions_pb2.EndRun())


def test_a_run_ends_when_no_request_is_left(router: TestingRouter, group: ShardGroup) -> None:
    # given
    stream = StepStream(group.extensions())

    # when
    stream.ask(prefill(router, 810, 12, extensions_pb2.RUN_UNTIL_TOLD))
    replies = run_replies(stream)

    # then
    assert tokens(replies) == len(replies) == 12
    assert not replies[-1].HasField("batch")


def test_a_run_is_ended_and_the_batch_goes_on_when_asked(
    router: TestingRouter, group: ShardGroup
) -> None:
    # given
    stream = StepStream(group.extensions())
    stream.ask(prefill(router, 811, 400, extensions_pb2.RUN_UNTIL_TOLD))
    begun = [stream.reply() for _ in range(3)]

    # when
    stream.ask(END_RUN)
    rest = run_replies(stream)
    stream.ask(END_RUN)  # which crosses the last reply, and means nothing then
    stream.ask(decode(811))

    # then
    assert all(reply.run_goes_on for reply in begun)
    assert len(begun + rest) < 400
    assert rest[-1].batch.id == 811
    assert tokens([stream.reply()]) == 1


def test_a_run_ends_with_one_of_its_requests_where_others_wait(
    router: TestingRouter, group: ShardGroup
) -> None:
    # given
    stream = StepStream(group.extensions())
    requests = [router.request(PROMPT, max_new_tokens=count, ignore_eos=True) for count in (5, 9)]
    batch = pb.Batch(id=812, requests=requests, size=2)
    stream.ask(extensions_pb2.StepRequest(prefill=pb.PrefillRequest(batch=batch)))
    first = stream.reply()

    # when
    stream.ask(decode(812, extensions_pb2.RUN_UNTIL_A_REQUEST_ENDS))
    replies = run_replies(stream)

    # then
    assert not first.run_goes_on
    assert len(replies) == 4
    assert list(replies[-1].batch.request_ids) == [requests[1].id]


def test_a_step_that_fails_ends_its_run_and_not_the_call(
    router: TestingRouter, group: ShardGroup
) -> None:
    # given
    stream = StepStream(group.extensions())
    stream.ask(prefill(router, 813, 400, extensions_pb2.RUN_UNTIL_TOLD))
    stream.reply()

    # when
    router.fan_out("ClearCache", pb.ClearCacheRequest())
    replies = run_replies(stream)

    # then
    assert replies[-1].failure.message == "Batch ID 813 not found in cache."
    stream.ask(prefill(router, 814))
    assert stream.reply().batch.id == 814


def test_a_run_ends_with_its_router(router: TestingRouter, group: ShardGroup) -> None:
    # given
    left = StepStream(group.extensions())
    left.ask(prefill(router, 815, 400, extensions_pb2.RUN_UNTIL_TOLD))
    left.reply()

    # when
    left.call.cancel()

    # then the batch is left where it was
    stream = StepStream(group.extensions())
    seen = None
    for _ in range(20):
        stream.ask(decode(815))
        reply = stream.reply()
        assert tokens([reply]) == 1
        assert seen is None or reply.batch.max_tokens == seen.max_tokens
        seen = reply.batch


def texts(*asked: list[int]) -> extensions_pb2.StepRequest:
    requests = [
        pb.Request(id=place, tokenized_inputs=pb.TokenizedInputs(ids=ids), truncate=500)
        for place, ids in enumerate(asked)
    ]
    batch = pb.Batch(id=1, requests=requests, size=len(requests))
    return extensions_pb2.StepRequest(embed=pb.EmbedRequest(batch=batch))


def vectors(*replies: pb.EmbedResponse) -> dict[int, list[float]]:
    return {each.request_id: list(each.values) for reply in replies for each in reply.embeddings}


def test_texts_end_a_run_and_are_read_behind_it(router: TestingRouter, group: ShardGroup) -> None:
    # given
    stream = StepStream(group.extensions())
    asked = texts(PROMPT, [70, 71])
    stream.ask(prefill(router, 817, 400, extensions_pb2.RUN_UNTIL_TOLD))
    stream.reply()

    # when
    stream.ask(asked)
    stream.ask(texts([5000]))
    run_replies(stream)

    # then
    embedded, failed = stream.reply(), stream.reply()
    assert vectors(embedded.embedded) == vectors(*router.fan_out("Embed", asked.embed))
    assert not embedded.HasField("batch")
    assert "token id 5000 does not exist" in failed.failure.message
    stream.ask(decode(817))
    assert stream.reply().batch.id == 817


def test_shards_of_one_model_read_texts_behind_the_same_step(
    tiny: TinyModel, router: TestingRouter, folder: Path
) -> None:
    # given two that are asked for many steps without being asked
    asked = texts(PROMPT, [70, 71])
    alone = vectors(*router.fan_out("Embed", asked.embed))
    group = start_group(folder, tiny.directory, tiny.adapter_root, world=2)
    try:
        streams = [StepStream(stub) for stub in group.extensions_of_all()]
        request = prefill(TestingRouter(group), 818, 300, extensions_pb2.RUN_UNTIL_TOLD)
        for stream in streams:
            stream.ask(request)
        for stream in streams:
            stream.reply()

        # when the texts come to one of them long before they come to the other
        ends = []
        for stream in streams:
            stream.ask(asked)
            ends.append(len(run_replies(stream)))

        # then
        found = vectors(*(stream.reply().embedded for stream in streams))
        assert found.keys() == alone.keys()
        for key, values in found.items():
            assert values == pytest.approx(alone[key], abs=1e-4)
        assert ends[0] == ends[1] < 299
    finally:
        group.stop()


def test_shards_of_one_model_end_a_run_together(
    tiny: TinyModel, greedy: Callable[[tuple[int, ...], int, int], list[int]], folder: Path
) -> None:
    # given
    group = start_group(folder, tiny.directory, tiny.adapter_root, world=2)
    try:
        router = TestingRouter(group)
        streams = [StepStream(stub) for stub in group.extensions_of_all()]
        request = prefill(router, 816, 300, extensions_pb2.RUN_UNTIL_TOLD)
        for stream in streams:
            stream.ask(request)
        begun = [[stream.reply() for _ in range(2)] for stream in streams]

        # when one is told long before the other
        streams[0].ask(END_RUN)
        first = run_replies(streams[0])
        streams[1].ask(END_RUN)
        second = run_replies(streams[1])

        # then
        assert len(first) == len(second)
        for stream in streams:
            stream.ask(decode(816))
        last = [stream.reply() for stream in streams]
        assert last[0].batch.id == last[1].batch.id == 816
        (owner,) = (rank for rank in range(2) if tokens([last[rank]]))
        replies = [*begun[owner], *(first, second)[owner], last[owner]]
        ids = [
            token
            for reply in replies
            for token in [
                *(each for row in reply.generations for each in row.next_tokens.ids),
                *reply.tokens.ids,
            ]
        ]
        assert ids == greedy(tuple(PROMPT), 0, len(ids))
    finally:
        group.stop()
