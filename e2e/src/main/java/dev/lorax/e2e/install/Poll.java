package dev.lorax.e2e.install;

import java.time.Duration;

/**
 * Turns of a loop that looks at the cluster twice a second until a deadline. Confined to one
 * thread.
 */
final class Poll {

  private static final Duration PAUSE = Duration.ofMillis(500);

  private final long endNanos;
  private boolean first = true;

  Poll(Duration deadline) {
    this.endNanos = System.nanoTime() + deadline.toNanos();
  }

  /** Waits for the next turn; false when the deadline has passed or the thread was interrupted. */
  boolean next() {
    if (first) {
      first = false;
      return true;
    }
    try {
      Thread.sleep(PAUSE);
      return System.nanoTime() < endNanos;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }
}
