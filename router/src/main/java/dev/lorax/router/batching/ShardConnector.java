package dev.lorax.router.batching;

/** Finds the shards and makes them ready. */
@FunctionalInterface
public interface ShardConnector {
  /** Tries until it succeeds, or is interrupted. The shards are the caller's to close. */
  ShardGroup connect() throws InterruptedException;
}
