package dev.lorax.router.http;

import dev.lorax.router.adapter.AdapterKey;
import dev.lorax.router.generation.GeneratedText;
import dev.lorax.router.request.Completion.Completed;
import dev.lorax.router.request.Preparation.Prepared;
import dev.lorax.router.request.Timing;
import io.vertx.core.http.HttpServerResponse;
import java.nio.charset.StandardCharsets;

/** What upstream tells in response headers; times are whole milliseconds. */
final class GenerationHeaders {
  private static final int NANOS_PER_MILLI = 1_000_000;

  private GenerationHeaders() {}

  /** Headers of every answer. */
  static void common(
      HttpServerResponse response, Prepared prepared, String modelId, String computeType) {
    String inputs = prepared.call().inputs();
    response.putHeader("x-compute-type", computeType);
    response.putHeader(
        "x-compute-characters", String.valueOf(inputs.codePointCount(0, inputs.length())));
    response.putHeader("x-model-id", modelId);
    adapter(response, prepared.adapter());
  }

  static void adapter(HttpServerResponse response, AdapterKey adapter) {
    if (adapter.source() != null) {
      // A header carries bytes; any character of an id travels as the bytes of its UTF-8 form.
      byte[] label = adapter.label().getBytes(StandardCharsets.UTF_8);
      response.putHeader("x-adapter-id", new String(label, StandardCharsets.ISO_8859_1));
      response.putHeader("x-adapter-source", adapter.source().label());
    }
  }

  /** Headers of an answer that is complete. */
  static void whole(HttpServerResponse response, Prepared prepared, Completed best) {
    Timing timing = best.timing();
    GeneratedText text = best.text();
    int generated = text.generatedTokens();
    count(response, "x-prompt-tokens", prepared.promptTokens());
    count(response, "x-generated-tokens", generated);
    count(response, "x-skipped-tokens", text.skippedTokens());
    count(response, "x-total-tokens", prepared.promptTokens() + generated);
    millis(response, "x-compute-time", timing.totalNanos());
    millis(response, "x-total-time", timing.totalNanos());
    millis(response, "x-validation-time", timing.validationNanos());
    millis(response, "x-queue-time", timing.queueNanos());
    millis(response, "x-inference-time", timing.inferenceNanos());
    millis(response, "x-time-per-token", timing.nanosPerToken(generated));
    millis(response, "x-time-to-first-token", timing.timeToFirstTokenNanos());
    millis(response, "x-time-per-output-token", timing.nanosPerOutputToken(generated));
  }

  static void count(HttpServerResponse response, String name, long value) {
    response.putHeader(name, String.valueOf(value));
  }

  static void millis(HttpServerResponse response, String name, long nanos) {
    count(response, name, nanos / NANOS_PER_MILLI);
  }
}
