package dev.lorax.e2e.install;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;

/**
 * Turns of a loop that looks at the cluster twice a second until a deadline. Confined to one
 * thread.
 */
public final class Poll {

  private static final Duration PAUSE = Duration.ofMillis(500);

  private final InstantSource clock;
  private final Instant end;
  private boolean first = true;

  public Poll(Duration deadline, InstantSource clock) {
    this.clock = clock;
    this.end = clock.instant().plus(deadline);
  }

  /** Waits for the next turn; false when the deadline has passed or the thread was interrupted. */
  public boolean next() {
    if (first) {
      first = false;
      return true;
    }
    try {
      Thread.sleep(PAUSE);
      return clock.instant().isBefore(end);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }
}
