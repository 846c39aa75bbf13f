package dev.lorax.router.generation;

import java.util.Optional;
import java.util.concurrent.CompletionStage;

/** Finds out before a request is queued whether an answer can follow its schema. Thread-safe. */
public interface SchemaCheck {
  /** Why no answer can follow this JSON schema; empty where one can, or where nobody knows yet. */
  CompletionStage<Optional<Rejection>> refusal(String schema);
}
