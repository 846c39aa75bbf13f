package dev.lorax.router.http;

import dev.lorax.router.adapter.AdapterKey;
import dev.lorax.router.request.TextPreparation.Prepared;
import dev.lorax.router.request.Timing;
import io.vertx.core.http.HttpServerResponse;
import java.nio.charset.StandardCharsets;

/** What is told in response headers beside embeddings and classes; times are whole milliseconds. */
final class TextHeaders {
  private static final int NANOS_PER_MILLI = 1_000_000;

  private TextHeaders() {}

  static void write(
      HttpServerResponse response, Prepared prepared, Timing timing, Gateway gateway) {
    response.putHeader("x-compute-type", gateway.computeType());
    response.putHeader("x-model-id", gateway.facts().modelId());
    response.putHeader("x-prompt-tokens", String.valueOf(prepared.tokens()));
    AdapterKey adapter = prepared.adapter();
    if (adapter.source() != null) {
      // A header carries bytes; any character of an id travels as the bytes of its UTF-8 form.
      byte[] label = adapter.label().getBytes(StandardCharsets.UTF_8);
      response.putHeader("x-adapter-id", new String(label, StandardCharsets.ISO_8859_1));
      response.putHeader("x-adapter-source", adapter.source().label());
    }
    millis(response, "x-compute-time", timing.totalNanos());
    millis(response, "x-total-time", timing.totalNanos());
    millis(response, "x-validation-time", timing.validationNanos());
    millis(response, "x-queue-time", timing.queueNanos());
    millis(response, "x-inference-time", timing.inferenceNanos());
  }

  private static void millis(HttpServerResponse response, String name, long nanos) {
    response.putHeader(name, String.valueOf(nanos / NANOS_PER_MILLI));
  }
}
