package dev.lorax.router.batching;

/** Finds the shards and makes them ready. */
@FunctionalInterface
public interface ShardConnector {
  /** Tries until it succeeds. */
  ShardGroup connect() throws InterruptedException;
}
