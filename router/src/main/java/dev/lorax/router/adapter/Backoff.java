package dev.lorax.router.adapter;

import java.time.Duration;

/** How long to leave an adapter alone that could not be had, so that nobody hammers its source. */
final class Backoff {
  private static final Duration SECOND_PAUSE = Duration.ofSeconds(1);
  private static final Duration LONGEST_PAUSE = Duration.ofSeconds(30);

  private Backoff() {}

  /** None after the first failure, then doubling: a mistake that was put right shows at once. */
  static Duration after(int failures) {
    if (failures <= 1) {
      return Duration.ZERO;
    }
    int doublings = Math.min(failures - 2, Integer.SIZE - 2);
    Duration pause = SECOND_PAUSE.multipliedBy(1L << doublings);
    return pause.compareTo(LONGEST_PAUSE) > 0 ? LONGEST_PAUSE : pause;
  }
}
