package dev.lorax.router.generation;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What one step yielded for one request.
 *
 * @param promptTokens length of the prompt on the step that finished its prefill, else 0
 * @param prefillTokens filled on that step, and only if the request asked for it
 * @param end present on the last step
 */
public record Generation(
    long requestId,
    int promptTokens,
    List<PrefillToken> prefillTokens,
    List<Token> tokens,
    @Nullable GeneratedText end) {
  public Generation {
    prefillTokens = List.copyOf(prefillTokens);
    tokens = List.copyOf(tokens);
  }
}
