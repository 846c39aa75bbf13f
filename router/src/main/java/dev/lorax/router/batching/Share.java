package dev.lorax.router.batching;

/**
 * Whose request it is, as far as fairness goes.
 *
 * @param tenant name of the API key, empty where the server asks for none
 * @param weight how many times the tokens of a tenant of weight 1 it may take while both wait
 */
public record Share(String tenant, float weight) {
  /** Of everybody on a server without API keys. */
  public static final Share EQUAL = new Share("", 1);

  public Share {
    if (!(weight > 0) || Float.isInfinite(weight)) {
      throw new IllegalArgumentException(
          "weight of tenant `%s`: expected a positive number, got %s".formatted(tenant, weight));
    }
  }
}
