package dev.lorax.router.http;

import dev.lorax.router.adapter.AdapterKey;
import dev.lorax.router.generation.Rejection;
import dev.lorax.router.generation.TraceParent;
import dev.lorax.router.metrics.FailureLabel;
import dev.lorax.router.request.Timing;
import dev.lorax.router.tracing.RequestTrace;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.ext.web.RoutingContext;
import org.jspecify.annotations.Nullable;

/**
 * What the trace of a request tells: never what is in its prompt or answer. Ends with the answer or
 * the connection.
 */
final class RequestSpan {
  private static final int FAILED_DEPENDENCY = 424;
  private static final int FIRST_SERVER_ERROR = 500;

  private final RequestTrace trace;
  private final HttpServerResponse response;

  private RequestSpan(RequestTrace trace, HttpServerResponse response) {
    this.trace = trace;
    this.response = response;
  }

  static RequestSpan begin(RoutingContext http, Gateway gateway) {
    HttpServerRequest request = http.request();
    // The routes that ask have no parameters.
    String route = http.normalizedPath();
    RequestTrace trace =
        gateway.tracing().begin(request.method().name(), route, request::getHeader);
    trace.tell("lorax.request.id", RequestId.of(http));
    trace.tell("gen_ai.request.model", gateway.facts().modelId());
    var span = new RequestSpan(trace, http.response());
    http.addEndHandler(_ -> span.end());
    return span;
  }

  /** For those who work for the request; null where it is not traced. */
  @Nullable TraceParent parent() {
    return trace.parent();
  }

  void prepared(AdapterKey adapter, int promptTokens) {
    if (adapter.source() != null) {
      trace.tell("lorax.adapter.id", adapter.label());
    }
    trace.tell("gen_ai.usage.input_tokens", promptTokens);
  }

  /** The phases of a request that has ended well. */
  void succeeded(Timing timing, int generatedTokens) {
    trace.tell("gen_ai.usage.output_tokens", generatedTokens);
    long scheduled = waited(timing);
    long firstToken = timing.timeToFirstTokenNanos();
    trace.phase("prefill", scheduled, firstToken);
    trace.phase("decode", firstToken, timing.totalNanos());
  }

  /** The phases of a request whose texts were read. */
  void encoded(Timing timing) {
    trace.phase("encode", waited(timing), timing.totalNanos());
  }

  /** When it was scheduled; before that it did what all requests do. */
  private long waited(Timing timing) {
    long queued = timing.validationNanos();
    long scheduled = queued + timing.queueNanos();
    trace.phase("validation", 0, queued);
    trace.phase("queue", queued, scheduled);
    return scheduled;
  }

  void failed(Rejection rejection) {
    var kind = rejection.kind();
    int status = ErrorFormat.status(kind);
    // What a shard refuses has a client's number, by upstream's rule.
    boolean ours = status >= FIRST_SERVER_ERROR || status == FAILED_DEPENDENCY;
    trace.failed(ErrorFormat.label(kind).label(), ours);
  }

  /** The client has gone. */
  void dropped() {
    trace.failed(FailureLabel.DROPPED.label(), false);
    end();
  }

  private void end() {
    trace.end(response.getStatusCode());
  }
}
