package dev.lorax.router.http;

import dev.lorax.router.request.TextPreparation.Prepared;
import dev.lorax.router.request.Timing;
import io.vertx.core.http.HttpServerResponse;

/** What is told in response headers beside embeddings and classes; times are whole milliseconds. */
final class TextHeaders {
  private TextHeaders() {}

  static void write(
      HttpServerResponse response, Prepared prepared, Timing timing, Gateway gateway) {
    response.putHeader("x-compute-type", gateway.computeType());
    response.putHeader("x-model-id", gateway.facts().modelId());
    GenerationHeaders.adapter(response, prepared.adapter());
    GenerationHeaders.count(response, "x-prompt-tokens", prepared.tokens());
    GenerationHeaders.millis(response, "x-compute-time", timing.totalNanos());
    GenerationHeaders.millis(response, "x-total-time", timing.totalNanos());
    GenerationHeaders.millis(response, "x-validation-time", timing.validationNanos());
    GenerationHeaders.millis(response, "x-queue-time", timing.queueNanos());
    GenerationHeaders.millis(response, "x-inference-time", timing.inferenceNanos());
  }
}
