package dev.lorax.router.batching;

/** A monotonic clock, handed in so that tests can turn it. Thread-safe. */
@FunctionalInterface
public interface Ticker {
  /** Nanoseconds since an arbitrary moment, as {@link System#nanoTime} counts them. */
  long nanos();
}
