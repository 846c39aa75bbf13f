package dev.lorax.router.batching;

import org.jspecify.annotations.Nullable;

/** A call that has been sent to all shards. */
@FunctionalInterface
public interface Pending<T extends @Nullable Object> {
  /** Waits for the answers of all shards; the call's own deadline bounds the wait. */
  T await() throws ShardException, InterruptedException;
}
