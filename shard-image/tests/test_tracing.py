"""Spans of steps, as a collector gets them, and shards whose collector is not there."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import grpc
import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from shard_process import ENVIRONMENT, ShardGroup, start_group
from testing_collector import TestingCollector, attributes, running_collector
from testing_router import StepStream, TestingRouter
from tiny_model import TinyModel

from lorax_shard.downloads.access import DownloadAccess
from lorax_shard.pb import extensions_pb2
from lorax_shard.pb import generate_pb2 as pb
from lorax_shard.server.config import ServeConfig
from lorax_shard.server.tracing import traced_requests

ONE, TWO = "11" * 16, "22" * 16  # traces
SPAN_ONE, SPAN_TWO = "aa" * 8, "bb" * 8
PARENTS = {ONE: f"00-{ONE}-{SPAN_ONE}-01", TWO: f"00-{TWO}-{SPAN_TWO}-01"}
PROMPT = list(range(60, 75))


@pytest.fixture(scope="module")
def collector() -> Iterator[TestingCollector]:
    with running_collector() as collector:
        yield collector


@pytest.fixture(scope="module")
def traced(
    tiny: TinyModel, collector: TestingCollector, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ShardGroup]:
    """Two shards that send spans to the collector at once."""
    folder = tmp_path_factory.mktemp("traced")
    option = f"--otlp-endpoint={collector.address}"
    environment = {"OTEL_BSP_SCHEDULE_DELAY": "50"}
    group = start_group(
        folder, tiny.directory, tiny.adapter_root, 2, (option,), environment=environment
    )
    yield group
    group.stop()


@pytest.fixture
def router(traced: ShardGroup, collector: TestingCollector) -> TestingRouter:
    router = TestingRouter(traced)
    router.fan_out("ClearCache", pb.ClearCacheRequest())
    collector.spans.clear()
    return router


def headers(**traces_by_id: str) -> list[tuple[str, str]]:
    named = [f"{name[1:]}={PARENTS[trace]}" for name, trace in traces_by_id.items()]
    first = next(iter(traces_by_id.values()))
    return [("traceparent", PARENTS[first]), ("lorax-traced-requests", ",".join(named))]


def call(router: TestingRouter, method: str, request, metadata=None):
    calls = [getattr(stub, method).future(request, metadata=metadata) for stub in router.stubs]
    return [each.result(timeout=60) for each in calls]


def prefill(
    router: TestingRouter, requests: Sequence[pb.Request], traces: Sequence[str | None]
) -> pb.CachedBatch:
    batch = pb.Batch(id=900 + requests[0].id, requests=requests, size=len(requests))
    named = {
        f"r{request.id}": trace for request, trace in zip(requests, traces, strict=True) if trace
    }
    request = pb.PrefillRequest(batch=batch)
    return call(router, "Prefill", request, headers(**named) if named else None)[0].batch


def decode(router: TestingRouter, *batches: pb.CachedBatch) -> pb.CachedBatch:
    return call(router, "Decode", pb.DecodeRequest(batches=batches))[0].batch


def count(number: int):
    return lambda spans: len(spans) >= number


def test_each_step_is_a_part_of_the_first_request_and_linked_to_the_others(
    router: TestingRouter, collector: TestingCollector
) -> None:
    # given
    router.load(1, "every-module")
    router.load(2, "attention")
    one, untraced, two = (
        router.request(PROMPT, adapter=adapter, max_new_tokens=tokens)
        for adapter, tokens in ((1, 3), (0, 9), (2, 9))
    )
    began = time.time_ns()

    # when
    batch = prefill(router, [one, untraced, two], [ONE, None, TWO])
    batch = decode(router, batch)
    batch = decode(router, batch)
    batch = decode(router, batch)
    ended = time.time_ns()

    # then
    first, *others = spans = collector.wait_for(count(4))
    assert [span.name for span in spans] == ["prefill", "decode", "decode", "decode"]
    assert first.trace_id.hex() == ONE
    assert first.parent_span_id.hex() == SPAN_ONE
    assert [(link.trace_id.hex(), link.span_id.hex()) for link in first.links] == [(TWO, SPAN_TWO)]
    assert began <= first.start_time_unix_nano <= first.end_time_unix_nano <= ended
    told = attributes(first.attributes)
    assert told["lorax.step.requests"] == 3
    assert told["lorax.step.tokens"] == 3 * len(PROMPT)
    assert told["lorax.step.adapters"] == ["attention", "every-module"]
    assert told["lorax.step.traced_requests"] == [one.id, two.id]
    phases = [told[f"lorax.step.{phase}_ms"] for phase in ("wait", "forward", "sample", "reply")]
    assert min(phases) >= 0
    length = (first.end_time_unix_nano - first.start_time_unix_nano) / 1e6
    assert sum(phases) == pytest.approx(length, rel=1e-6, abs=1e-3)
    assert told["lorax.step.forward_ms"] > 0
    # The first request has ended after three tokens: what follows is the second one's alone.
    assert [span.trace_id.hex() for span in others] == [ONE, ONE, TWO]
    assert not others[2].links
    assert attributes(others[2].attributes)["lorax.step.tokens"] == 2
    resource = collector.resources[-1]
    assert resource["service.name"] == "lorax-shard"
    assert resource["lorax.shards"] == 2


def test_a_step_of_a_stream_says_itself_what_is_traced(
    router: TestingRouter, collector: TestingCollector, traced: ShardGroup
) -> None:
    # given
    request = router.request(PROMPT)
    batch = pb.Batch(id=899, requests=[request], size=1)
    named = f"{request.id}={PARENTS[ONE]}"
    streams = [StepStream(stub) for stub in traced.extensions_of_all()]

    # when
    for stream in streams:
        stream.ask(
            extensions_pb2.StepRequest(
                prefill=pb.PrefillRequest(batch=batch), traced_requests=named
            )
        )
    assert [stream.reply().batch.id for stream in streams] == [899, 899]

    # then
    (span,) = collector.wait_for(count(1))
    assert span.name == "prefill"
    assert (span.trace_id.hex(), span.parent_span_id.hex()) == (ONE, SPAN_ONE)


def test_the_steps_of_a_run_are_traced_as_those_that_were_asked_for(
    router: TestingRouter, collector: TestingCollector, traced: ShardGroup
) -> None:
    # given
    request = router.request(PROMPT, max_new_tokens=4, ignore_eos=True)
    batch = pb.Batch(id=898, requests=[request], size=1)
    named = f"{request.id}={PARENTS[ONE]}"
    streams = [StepStream(stub) for stub in traced.extensions_of_all()]

    # when
    for stream in streams:
        stream.ask(
            extensions_pb2.StepRequest(
                prefill=pb.PrefillRequest(batch=batch),
                traced_requests=named,
                run=extensions_pb2.RUN_UNTIL_TOLD,
            )
        )
    for stream in streams:
        assert [stream.reply().run_goes_on for _ in range(4)] == [True, True, True, False]

    # then
    spans = collector.wait_for(count(4))
    assert [span.name for span in spans] == ["prefill", "decode", "decode", "decode"]
    assert {(span.trace_id.hex(), span.parent_span_id.hex()) for span in spans} == {(ONE, SPAN_ONE)}


def test_requests_that_are_not_traced_make_no_spans(
    router: TestingRouter, collector: TestingCollector
) -> None:
    # given
    batch = prefill(router, [router.request(PROMPT)], [None])
    traced = prefill(router, [router.request(PROMPT)], [ONE])

    # when
    batch = decode(router, batch)
    both = decode(router, batch, traced)
    kept = pb.FilterBatchRequest(batch_id=both.id, request_ids=list(both.request_ids)[:1])
    call(router, "FilterBatch", kept)
    decode(router, both)
    last = prefill(router, [router.request(PROMPT)], [TWO])

    # then
    spans = collector.wait_for(lambda spans: spans and spans[-1].trace_id.hex() == TWO)
    assert [(span.name, span.trace_id.hex()) for span in spans] == [
        ("prefill", ONE),
        ("decode", ONE),
        ("prefill", TWO),
    ]
    call(router, "ClearCache", pb.ClearCacheRequest(id=last.id))


def test_a_step_that_fails_says_so_without_a_word_of_the_prompt(
    router: TestingRouter, collector: TestingCollector, traced: ShardGroup
) -> None:
    # given
    request = router.request([*PROMPT, 99999])

    # when
    with pytest.raises(grpc.RpcError, match="token id 99999 does not exist"):
        prefill(router, [request], [ONE])

    # then
    (span,) = collector.wait_for(count(1))
    assert span.status.code == Status.STATUS_CODE_ERROR
    assert not span.status.message
    assert attributes(span.attributes)["error.type"] == "InvalidRequest"
    assert not span.events


def test_texts_are_traced_too(router: TestingRouter, collector: TestingCollector) -> None:
    # given
    texts = [
        pb.Request(id=place, tokenized_inputs=pb.TokenizedInputs(ids=PROMPT), truncate=500)
        for place in range(2)
    ]
    batch = pb.Batch(id=7, requests=texts, size=2)

    # when
    call(router, "Embed", pb.EmbedRequest(batch=batch), [("traceparent", PARENTS[TWO])])

    # then
    (span,) = collector.wait_for(count(1))
    assert (span.name, span.trace_id.hex(), span.kind) == ("embed", TWO, Span.SPAN_KIND_INTERNAL)
    told = attributes(span.attributes)
    assert told["lorax.step.requests"] == 2
    assert told["lorax.step.tokens"] == 2 * len(PROMPT)
    assert told["lorax.step.traced_requests"] == []


def test_last_spans_are_sent_before_the_process_ends(
    tiny: TinyModel, collector: TestingCollector, folder: Path
) -> None:
    # given
    arguments = (f"--otlp-endpoint={collector.address}",)
    environment = {"OTEL_BSP_SCHEDULE_DELAY": "3600000"}
    group = start_group(folder, tiny.directory, tiny.adapter_root, 1, arguments, environment)
    router = TestingRouter(group)
    collector.spans.clear()
    prefill(router, [router.request(PROMPT)], [ONE])

    # when
    code = group.shards[0].stop()

    # then
    assert code == 0
    assert [span.name for span in collector.spans] == ["prefill"]


def test_a_collector_that_is_gone_harms_no_step(tiny: TinyModel, folder: Path) -> None:
    # given
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        arguments = (f"--otlp-endpoint=http://127.0.0.1:{nobody.getsockname()[1]}",)
        environment = {"OTEL_BSP_SCHEDULE_DELAY": "10", "OTEL_BSP_MAX_QUEUE_SIZE": "4",
                       "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "2"}  # fmt: skip
        group = start_group(folder, tiny.directory, tiny.adapter_root, 1, arguments, environment)
        router = TestingRouter(group)

        # when
        batch = prefill(router, [router.request(PROMPT, max_new_tokens=30)], [ONE])
        steps = 1
        while batch.request_ids:
            batch = decode(router, batch)
            steps += 1
        code = group.shards[0].stop()

    # then
    assert steps == 30
    assert code == 0


def test_what_serves_imports_nothing_of_opentelemetry() -> None:
    # given
    program = (
        "import sys, lorax_shard.server.serve;"
        "print(*sorted(name for name in sys.modules if name.startswith('opentelemetry')))"
    )

    # when
    imported = subprocess.run(
        [sys.executable, "-c", program], env=ENVIRONMENT, capture_output=True, text=True, check=True
    )

    # then
    assert imported.stdout == "\n"


@pytest.mark.parametrize(
    ("metadata", "ids"),
    [
        ([], []),
        ([("traceparent", PARENTS[ONE])], [-1]),
        ([("traceparent", "00-nonsense")], []),
        ([("traceparent", PARENTS[ONE][:-1] + "0")], []),
        ([("lorax-traced-requests", f"7={PARENTS[ONE]},x={PARENTS[TWO]},8=,9")], [7]),
        ([("lorax-traced-requests-bin", b"7")], []),
    ],
)
def test_only_sampled_spans_are_read_from_headers(
    metadata: list[tuple[str, str | bytes]], ids: list[int]
) -> None:
    assert list(traced_requests(metadata)) == ids


@pytest.mark.parametrize(
    "endpoint", ["collector:4317", "grpc://collector:4317", "http://", "http://x:99999", "x"]
)
def test_what_is_no_address_of_a_collector_is_refused(endpoint: str, tmp_path: Path) -> None:
    # given
    config = ServeConfig(
        model=tmp_path, uds_path="x", downloads=DownloadAccess(tmp_path), otlp_endpoint=endpoint
    )

    # then
    (problem,) = config.problems()
    assert problem.startswith(f"--otlp-endpoint {endpoint} is not the address of a collector")
