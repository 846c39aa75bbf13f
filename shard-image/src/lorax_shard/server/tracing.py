"""Spans of steps, sent to a collector by OTLP. Imported only where a shard is told of one."""

import threading
from collections.abc import Mapping
from typing import Any, TypeAlias

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBased
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    Status,
    StatusCode,
    get_current_span,
    set_span_in_context,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from lorax_shard.server.steps import TRACED_REQUESTS, Metadata

NAME = "lorax-shard"
# For spans that have not been sent when the process stops; launchers wait longer.
_LAST_SPANS_SECONDS = 3.0
_PARENT = "traceparent"
_PROPAGATOR = TraceContextTextMapPropagator()

# Spans of requests by the id of the request. Upstream's router names one span and no request: that
# is kept under this id, which no request has.
Traced: TypeAlias = dict[int, SpanContext]
UNNAMED = -1


class SpanSender:
    """Sends spans in the background. A collector that is slow or gone costs spans, never steps."""

    def __init__(self, endpoint: str, attributes: Mapping[str, str | int]) -> None:
        """attributes: what is true of all spans of this process."""
        self._provider = TracerProvider(
            # Whether a request is traced has been decided where it came in.
            sampler=ParentBased(ALWAYS_OFF),
            resource=Resource.create({SERVICE_NAME: NAME, **attributes}),
            shutdown_on_exit=False,
        )
        exporter = OTLPSpanExporter(endpoint=endpoint)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer(NAME)

    def send(
        self,
        name: str,
        requests: Traced,
        times_ns: tuple[int, int],
        attributes: Mapping[str, Any],
        failure: str | None,
    ) -> None:
        """A span that is over: a part of the first request's trace, with links to the others.

        times_ns: when it began and ended, since 1970. failure: what kind of error ended it, if one
        did.
        """
        first, *others = requests.values()
        span = self._tracer.start_span(
            name,
            context=set_span_in_context(NonRecordingSpan(first), Context()),
            links=[Link(other) for other in others],
            start_time=times_ns[0],
            attributes=attributes,
        )
        if failure is not None:
            span.set_attribute("error.type", failure)
            span.set_status(Status(StatusCode.ERROR))
        span.end(times_ns[1])

    def close(self) -> None:
        """Sends what has not been sent, for as long as that takes a collector that answers."""
        # The library waits for half a minute, and asks a collector that is gone again and again.
        closing = threading.Thread(target=self._provider.shutdown, name="last-spans", daemon=True)
        closing.start()
        closing.join(_LAST_SPANS_SECONDS)


def traced_requests(metadata: Metadata) -> Traced:
    """The sampled spans that the headers of a call name; what is no span is left out."""
    headers = {key: value for key, value in metadata if isinstance(value, str)}
    traced: Traced = {}
    for entry in headers.get(TRACED_REQUESTS, "").split(","):
        request_id, _, parent = entry.partition("=")
        context = _span_context(parent)
        if context is not None and request_id.isdecimal():
            traced[int(request_id)] = context
    unnamed = _span_context(headers.get(_PARENT, ""))
    if not traced and unnamed is not None:
        traced[UNNAMED] = unnamed
    return traced


def _span_context(parent: str) -> SpanContext | None:
    found = get_current_span(_PROPAGATOR.extract({_PARENT: parent}, Context())).get_span_context()
    return found if found.is_valid and found.trace_flags.sampled else None
