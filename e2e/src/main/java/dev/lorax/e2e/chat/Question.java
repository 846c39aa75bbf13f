package dev.lorax.e2e.chat;

/**
 * One user message for the base model or an adapter, answered greedily.
 *
 * @param adapter id of an adapter, or {@link #BASE}
 */
public record Question(String adapter, String prompt, int maxNewTokens) {

  /** How the files of the demo name the base model. */
  public static final String BASE = "base";

  /** The API's {@code model} field, in which empty means the base model. */
  String model() {
    return adapter.equals(BASE) ? "" : adapter;
  }
}
