package dev.lorax.launcher.download;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/** Bytes per second since a step began, as a person wants them: steady, and not from too little. */
record Pace(double bytesPerSecond) {

  private static final double LEAST_SECONDS = 1;

  /** Zero while it is too early to tell. */
  static Pace between(
      Progress.Snapshot first, Instant then, Progress.Snapshot snapshot, Instant now) {
    double seconds = Duration.between(then, now).toMillis() / 1000.0;
    return seconds < LEAST_SECONDS
        ? new Pace(0)
        : new Pace(Math.max(0, snapshot.bytes() - first.bytes()) / seconds);
  }

  static boolean sameStep(Progress.Snapshot one, Progress.Snapshot other) {
    return one.step() == other.step()
        && one.what().equals(other.what())
        && one.totalBytes() == other.totalBytes();
  }

  String speed() {
    return ByteCount.text((long) bytesPerSecond) + "/s";
  }

  /** Empty while nothing moves. */
  Optional<String> left(Progress.Snapshot snapshot) {
    if (bytesPerSecond < 1) {
      return Optional.empty();
    }
    long seconds = Math.round((snapshot.totalBytes() - snapshot.bytes()) / bytesPerSecond);
    return Optional.of(
        seconds < 60
            ? seconds + "s"
            : seconds < 3600
                ? "%dm%02ds".formatted(seconds / 60, seconds % 60)
                : "%dh%02dm".formatted(seconds / 3600, seconds / 60 % 60));
  }
}
