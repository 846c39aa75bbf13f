package dev.lorax.operator.server.plan;

import java.time.Duration;
import java.util.Locale;

/** Durations as a spec spells them: whole hours, minutes and seconds, for example 1h30m. */
final class Durations {

  private Durations() {}

  static Duration parse(String text) {
    return Duration.parse("PT" + text.toUpperCase(Locale.ROOT));
  }
}
