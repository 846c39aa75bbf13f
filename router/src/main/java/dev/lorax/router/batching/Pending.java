package dev.lorax.router.batching;

import org.jspecify.annotations.Nullable;

/** A call that has been sent to all shards. */
@FunctionalInterface
public interface Pending<T extends @Nullable Object> {
  /** Waits for the answers of all shards; the call's own deadline bounds the wait. */
  T await() throws ShardException, InterruptedException;

  /**
   * Runs the action, on whichever thread, once {@link #await} would wait no longer because all have
   * answered. Does nothing where {@link #mostNanos} is 0.
   */
  default void whenAnswered(Runnable action) {}

  /** How long {@link #await} would wait at most, or 0 where nothing but that can wait. */
  default long mostNanos() {
    return 0;
  }
}
