package dev.lorax.router.batching;

/**
 * What the model of the shards does with texts.
 *
 * @param maxTextTokens tokens of the longest text that it embeds or classifies, as far as the
 *     shards say; else {@link #UNLIMITED}
 */
public record ModelAbilities(
    boolean generates, boolean embeds, Classification classification, int maxTextTokens) {
  /** Where the shards name no limit. */
  public static final int UNLIMITED = Integer.MAX_VALUE;

  /** Of a model that only generates. */
  public static final ModelAbilities GENERATION =
      new ModelAbilities(true, false, Classification.NONE, UNLIMITED);

  /** What the model gives classes to. */
  public enum Classification {
    NONE,
    /** Each token of a text gets its likeliest class. */
    TOKENS,
    /** A text as a whole gets all classes, the likeliest first. */
    TEXTS
  }

  public boolean classifies() {
    return classification != Classification.NONE;
  }

  /** For messages: what the model does, in the third person. */
  public String described() {
    if (generates) {
      return "generates text";
    }
    return switch (classification) {
      case NONE -> "embeds texts";
      case TOKENS -> "classifies the tokens of texts";
      case TEXTS -> "classifies texts";
    };
  }
}
