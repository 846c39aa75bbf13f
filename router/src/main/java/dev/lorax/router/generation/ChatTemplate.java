package dev.lorax.router.generation;

import java.util.concurrent.CompletionStage;

/** Turns a chat into the prompt that the model was trained on. Thread-safe. */
public interface ChatTemplate {
  /**
   * Renders a JSON array of messages; the text is to be tokenised without special tokens.
   *
   * @param toolsJson a JSON array of tools, or empty
   */
  CompletionStage<Rendering> render(String messagesJson, String toolsJson);

  /** Outcome of a rendering. */
  sealed interface Rendering {
    record Rendered(String prompt) implements Rendering {}

    record Refused(Rejection rejection) implements Rendering {}
  }
}
