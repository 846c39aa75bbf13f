package dev.lorax.launcher.members;

import java.util.regex.Pattern;
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

  private String logged = "";
  private String exception = "";
  private String last = "";
  private int linesSince;

  synchronized void logged(LogLine entry) {
    if (entry.level() == Level.ERROR && !entry.message().isBlank()) {
      logged = telling(entry.message());
      linesSince = 0;
    } else if (++linesSince > FORGOTTEN_AFTER) {
      logged = "";
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

  synchronized String lastWords() {
    if (!logged.isEmpty()) {
      return logged;
    }
    return exception.isEmpty() ? last : exception;
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
