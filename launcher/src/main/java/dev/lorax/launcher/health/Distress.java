package dev.lorax.launcher.health;

import java.time.Duration;

/** Why a member whose process runs is of no use. */
public sealed interface Distress {

  /** For a sentence that starts with the member's name. */
  String description();

  /** It answered once and does so no more. */
  record Hung(Duration silence, String reason) implements Distress {
    @Override
    public String description() {
      return "has not answered its health check for %s (%s)"
          .formatted(Distress.seconds(silence), reason);
    }
  }

  /** It did not become ready in time. */
  record Late(Duration timeout) implements Distress {
    @Override
    public String description() {
      return "was not ready within " + Distress.seconds(timeout);
    }
  }

  private static String seconds(Duration duration) {
    double seconds = duration.toMillis() / 1000.0;
    return (seconds == Math.rint(seconds) ? "%.0f s" : "%.1f s").formatted(seconds);
  }
}
