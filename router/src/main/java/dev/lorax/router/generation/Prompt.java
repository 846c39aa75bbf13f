package dev.lorax.router.generation;

/** The prompt: its text and the ids of its tokens, already cut to what the model shall see. */
public record Prompt(String text, int[] tokenIds) {
  /** Number of tokens. */
  public int length() {
    return tokenIds.length;
  }

  /** Prompts are private: only the size may reach a log. */
  @Override
  public String toString() {
    return "Prompt[" + tokenIds.length + " tokens]";
  }
}
