"""All steps of a router go over one call: a failure leaves it open, a shard that stops ends it."""

import time
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


def prefill(router: TestingRouter, batch_id: int) -> extensions_pb2.StepRequest:
    batch = pb.Batch(id=batch_id, requests=[router.request(PROMPT)], size=1)
    return extensions_pb2.StepRequest(prefill=pb.PrefillRequest(batch=batch))


def decode(batch_id: int) -> extensions_pb2.StepRequest:
    return extensions_pb2.StepRequest(
        decode=pb.DecodeRequest(batches=[pb.CachedBatch(id=batch_id)])
    )


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (extensions_pb2.StepRequest(), "a step: expected prefill or decode, got neither"),
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
