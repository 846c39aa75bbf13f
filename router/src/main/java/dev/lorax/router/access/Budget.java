package dev.lorax.router.access;

import org.jspecify.annotations.Nullable;

/**
 * A rate that may be used up ahead, by a minute's worth at most. It may be overdrawn, because the
 * tokens of an answer are known only at its end; then it stays shut until it has filled up again.
 * Thread-safe.
 */
final class Budget {
  private static final double NANOS_PER_MINUTE = 60e9;

  private final @Nullable Integer perMinute;
  private double level;
  private long lastNanos;

  /**
   * A full budget.
   *
   * @param perMinute absent: without bounds
   */
  Budget(@Nullable Integer perMinute, long nanoTime) {
    this.perMinute = perMinute;
    this.level = perMinute == null ? 0 : perMinute;
    this.lastNanos = nanoTime;
  }

  /** Seconds until there is something again, 0 if there is something now. */
  synchronized int secondsUntilFree(long nanoTime) {
    if (perMinute == null) {
      return 0;
    }
    fill(perMinute, nanoTime);
    return level >= 1 ? 0 : (int) Math.ceil((1 - level) * 60 / perMinute);
  }

  void use(double amount) {
    if (perMinute != null) {
      take(amount);
    }
  }

  private synchronized void take(double amount) {
    level -= amount;
  }

  private void fill(int rate, long nanoTime) {
    level = Math.min(rate, level + rate * (nanoTime - lastNanos) / NANOS_PER_MINUTE);
    lastNanos = nanoTime;
  }
}
