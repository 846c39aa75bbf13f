package dev.lorax.router.tracing;

import dev.lorax.router.batching.Ticker;
import dev.lorax.router.generation.TraceParent;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.api.trace.propagation.W3CTraceContextPropagator;
import io.opentelemetry.context.Context;
import java.util.HashMap;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The span of one request, and of the phases that it goes through. Does nothing where the request
 * is not traced. Thread-safe.
 */
public final class RequestTrace {
  private final Tracer tracer;
  private final Span span;
  private final long epochNanos;
  private final long beginNanos;
  private final Ticker ticker;

  RequestTrace(Tracer tracer, Span span, long epochNanos, long beginNanos, Ticker ticker) {
    this.tracer = tracer;
    this.span = span;
    this.epochNanos = epochNanos;
    this.beginNanos = beginNanos;
    this.ticker = ticker;
  }

  /** What those who work for this request name as their parent. */
  public @Nullable TraceParent parent() {
    if (!span.getSpanContext().isSampled()) {
      return null;
    }
    var headers = new HashMap<String, String>();
    W3CTraceContextPropagator.getInstance()
        .inject(Context.root().with(span), headers, (to, name, value) -> headers.put(name, value));
    return new TraceParent(headers.getOrDefault("traceparent", ""));
  }

  /** Tells something of the request, under OpenTelemetry's name for it where there is one. */
  public void tell(String key, String value) {
    span.setAttribute(key, value);
  }

  /** Tells a number. */
  public void tell(String key, long value) {
    span.setAttribute(key, value);
  }

  /**
   * A phase that is over.
   *
   * @param fromNanos when it began, after the request did
   * @param toNanos when it ended, after the request began
   */
  public void phase(String name, long fromNanos, long toNanos) {
    if (span.isRecording()) {
      tracer
          .spanBuilder(name)
          .setParent(Context.root().with(span))
          .setStartTimestamp(epochNanos + fromNanos, TimeUnit.NANOSECONDS)
          .startSpan()
          .end(epochNanos + toNanos, TimeUnit.NANOSECONDS);
    }
  }

  /**
   * The request has gone wrong.
   *
   * @param kind as in the metrics
   * @param ours whether it is not the client's fault
   */
  public void failed(String kind, boolean ours) {
    span.setAttribute("error.type", kind);
    if (ours) {
      span.setStatus(StatusCode.ERROR);
    }
  }

  /** The answer has been sent, or nobody waits for it any more. */
  public void end(int status) {
    span.setAttribute("http.response.status_code", status);
    span.end(epochNanos + ticker.nanos() - beginNanos, TimeUnit.NANOSECONDS);
  }
}
