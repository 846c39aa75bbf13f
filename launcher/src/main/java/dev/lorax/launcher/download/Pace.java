package dev.lorax.launcher.download;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Bytes per second between two looks.
 */
record Pace(double bytesPerSecond) {

  /** Zero at the first look at a step, which has nothing to compare with. */
  static Pace between(
      Progress.@Nullable Snapshot before,
      Instant then,
      Progress.Snapshot snapshot,
      Instant now) {
    boolean same =
        before != null
            && before.step() == snapshot.step()
            && before.what().equals(snapshot.what());
    double seconds = Duration.between(then, now).toMillis() / 1000.0;
    return same && seconds > 0
        ? new Pace(Math.max(0, snapshot.bytes() - before.bytes()) / seconds)
        : new Pace(0);
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
