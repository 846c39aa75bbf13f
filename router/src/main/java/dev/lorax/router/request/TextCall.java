package dev.lorax.router.request;

import dev.lorax.router.encoding.EncodingTask;
import dev.lorax.router.request.GenerateCall.AdapterChoice;
import java.util.List;

/**
 * Texts that a client wants embedded or classified, well typed but unchecked.
 *
 * @param field what the client calls the texts, for messages
 */
public record TextCall(
    EncodingTask task, String field, List<TextInput> inputs, AdapterChoice adapter) {
  public TextCall {
    inputs = List.copyOf(inputs);
  }

  /** One text. */
  public sealed interface TextInput {
    record Words(String text) implements TextInput {
      /** Texts stay out of logs. */
      @Override
      public String toString() {
        return "Words[%d characters]".formatted(text.length());
      }
    }

    /** Cut into tokens already, special ones included. */
    record Tokens(int[] ids) implements TextInput {}
  }
}
