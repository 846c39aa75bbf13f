"""A collector of spans: a gRPC server of the OpenTelemetry protocol in the test's own process."""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc
from opentelemetry.proto.trace.v1.trace_pb2 import Span

SECONDS = 30


class TestingCollector(trace_service_pb2_grpc.TraceServiceServicer):
    """Keeps what it is sent."""

    __test__ = False

    def __init__(self, address: str) -> None:
        self.address = address
        self.spans: list[Span] = []
        self.resources: list[dict] = []

    def Export(self, request, context):
        for resource_spans in request.resource_spans:
            self.resources.append(attributes(resource_spans.resource.attributes))
            for scope in resource_spans.scope_spans:
                self.spans += scope.spans
        return trace_service_pb2.ExportTraceServiceResponse()

    def wait_for(self, seen: Callable[[Sequence[Span]], bool]) -> list[Span]:
        deadline = time.monotonic() + SECONDS
        while not seen(self.spans):
            assert time.monotonic() < deadline, f"not seen among {self.spans}"
            time.sleep(0.01)
        return list(self.spans)


@contextmanager
def running_collector() -> Iterator[TestingCollector]:
    """A collector on a free port."""
    server = grpc.server(ThreadPoolExecutor(2))
    port = server.add_insecure_port("127.0.0.1:0")
    collector = TestingCollector(f"http://127.0.0.1:{port}")
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(collector, server)
    server.start()
    try:
        yield collector
    finally:
        server.stop(None)


def attributes(pairs) -> dict:
    """Keys with their values, lists as lists."""
    found = {}
    for pair in pairs:
        kind = pair.value.WhichOneof("value")
        value = getattr(pair.value, kind)
        if kind == "array_value":
            value = [getattr(item, item.WhichOneof("value")) for item in value.values]
        found[pair.key] = value
    return found
