package dev.lorax.router.http;

import com.fasterxml.jackson.databind.JsonNode;
import org.jspecify.annotations.Nullable;

/** A way of asking for embeddings or classes: upstream's own, or OpenAI's. Thread-safe. */
interface TextDialect {
  /**
   * Reads a body, on a worker thread.
   *
   * @param bearer the token of the request's authorization header
   */
  TextQuestion read(JsonNode body, @Nullable String bearer) throws FieldException;

  ErrorFormat errors();
}
