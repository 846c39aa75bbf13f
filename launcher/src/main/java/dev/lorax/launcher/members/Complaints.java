package dev.lorax.launcher.members;

import dev.lorax.launcher.failure.FailureCode;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.event.Level;

/**
 * What a member said last about what is wrong with it. Best is a log line at level ERROR, which was
 * written for people; then an exception's line on standard error; then any line there. Thread-safe.
 */
final class Complaints {

  /** Last line of a Python traceback, or first of a Java stack trace; torch puts the rank first. */
  private static final Pattern EXCEPTION =
      Pattern.compile(
          "(\\[rank\\d+]: ?)?(Exception in thread \"[^\"]*\" )?[\\w.]*(Error|Exception)\\b.*");

  /** So long ago an error, counted in log lines since, is hardly why the member ended. */
  private static final int FORGOTTEN_AFTER = 50;

  private LastWords logged = LastWords.NONE;
  private String exception = "";
  private String last = "";
  private int linesSince;

  synchronized void logged(LogLine entry) {
    if (entry.level() == Level.ERROR && !entry.message().isBlank()) {
      logged = new LastWords(telling(entry.message()), code(entry));
      linesSince = 0;
    } else if (++linesSince > FORGOTTEN_AFTER) {
      logged = LastWords.NONE;
      exception = "";
      last = "";
    }
  }

  synchronized void wrote(String line) {
    if (line.isBlank()) {
      return;
    }
    last = line.strip();
    if (EXCEPTION.matcher(line).matches()) {
      exception = line.strip();
    }
  }

  synchronized LastWords lastWords() {
    if (!logged.text().isEmpty()) {
      return logged;
    }
    return new LastWords(exception.isEmpty() ? last : exception, null);
  }

  /** Of those who know one: a field of the line, beside its message. */
  private static @Nullable FailureCode code(LogLine entry) {
    return FailureCode.ofWord(entry.fields().get("code")).orElse(null);
  }

  /** Of a message with a traceback the exception, else its first line. */
  private static String telling(String message) {
    String found = "";
    for (var line : message.lines().toList()) {
      if (EXCEPTION.matcher(line).matches()) {
        found = line.strip();
      }
    }
    return found.isEmpty() ? message.strip().lines().findFirst().orElse("") : found;
  }
}
