package dev.lorax.launcher.download;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Bytes per second between two looks. */
record Pace(double bytesPerSecond) {

  /** Zero at the first look at a step, which has nothing to compare with. */
  static Pace between(
      Progress.@Nullable Snapshot before, Instant then, Progress.Snapshot snapshot, Instant now) {
    double seconds = Duration.between(then, now).toMillis() / 1000.0;
    if (before == null || seconds <= 0 || !sameStep(before, snapshot)) {
      return new Pace(0);
    }
    return new Pace(Math.max(0, snapshot.bytes() - before.bytes()) / seconds);
  }

  private static boolean sameStep(Progress.Snapshot one, Progress.Snapshot other) {
    return one.step() == other.step() && one.what().equals(other.what());
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
