package dev.lorax.router.http;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/**
 * A way of asking for a generation: upstream's own, OpenAI's chat, OpenAI's completions.
 * Thread-safe.
 */
interface Dialect {
  /**
   * Reads a body, on a worker thread; the stage completes on one too.
   *
   * @param bearer the token of the request's authorization header
   */
  CompletionStage<Question.Reading> read(JsonNode body, @Nullable String bearer);

  ErrorFormat errors();

  /** Whether a stream that fails before its first token is an event under status 200. */
  boolean failsInsideStream();
}
