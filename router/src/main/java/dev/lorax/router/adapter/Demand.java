package dev.lorax.router.adapter;

/** What waits for adapters, as far as their places on the shards depend on it. */
@FunctionalInterface
public interface Demand {
  /** The lower, the earlier its requests go; positive infinity where none waits. */
  double precedence(Adapter adapter);

  /** Whether a request waits for it. */
  default boolean has(Adapter adapter) {
    return precedence(adapter) < Double.POSITIVE_INFINITY;
  }
}
