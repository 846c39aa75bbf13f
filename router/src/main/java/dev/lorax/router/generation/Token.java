package dev.lorax.router.generation;

import java.util.List;

/**
 * A generated token.
 *
 * @param text may be empty: the shard holds text back while it ends inside a UTF-8 character
 * @param skipped whether it came for free with another token of the same step (speculation)
 */
public record Token(
    int id,
    String text,
    float logprob,
    boolean special,
    boolean skipped,
    List<AlternativeToken> alternatives) {
  public Token {
    alternatives = List.copyOf(alternatives);
  }

  /** A token that could have been chosen instead. */
  public record AlternativeToken(int id, String text, float logprob) {}
}
