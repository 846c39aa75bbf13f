package dev.lorax.launcher.download;

import java.time.Duration;

/**
 * How much trouble with a source is borne.
 *
 * @param attempts in a row that bring not a single byte
 * @param firstPause before the second attempt, then doubled
 * @param longestPause ends the doubling
 * @param longestRetryAfter a source that asks for more is given up
 * @param stall a source that sends nothing for so long has failed
 */
public record RetryPolicy(
    int attempts,
    Duration firstPause,
    Duration longestPause,
    Duration longestRetryAfter,
    Duration stall) {

  /** Bears about a minute without a byte; the hub's rate limits ask for at most five minutes. */
  public static RetryPolicy standard(Duration stall) {
    return new RetryPolicy(
        7, Duration.ofSeconds(1), Duration.ofSeconds(20), Duration.ofMinutes(6), stall);
  }
}
