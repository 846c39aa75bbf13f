package dev.lorax.router.request;

import dev.lorax.router.generation.GeneratedText;
import dev.lorax.router.generation.PrefillToken;
import dev.lorax.router.generation.Rejection;
import dev.lorax.router.generation.Token;
import java.util.List;

/** Outcome of a generation that was collected to its end. */
public sealed interface Completion {
  record Completed(
      GeneratedText text, List<PrefillToken> prefillTokens, List<Token> tokens, Timing timing)
      implements Completion {
    public Completed {
      prefillTokens = List.copyOf(prefillTokens);
      tokens = List.copyOf(tokens);
    }

    /** How likely the model found its own text; decides which sequence is best. */
    public double meanLogprob() {
      return tokens.stream().mapToDouble(Token::logprob).average().orElse(0);
    }
  }

  record Failed(Rejection rejection) implements Completion {}
}
