package dev.lorax.launcher.members;

import dev.lorax.launcher.process.MemberName;
import dev.lorax.launcher.process.OutputLine;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/**
 * Forwards a member's output to the launcher's log under the member's name, and keeps the end of
 * its complaints. Thread-safe.
 */
final class MemberLog implements Consumer<OutputLine> {

  private static final int KEPT_LINES = 50;

  /** Last line of a Python traceback, or of a Java stack trace's head. */
  private static final Pattern EXCEPTION =
      Pattern.compile("(Exception in thread \"[^\"]*\" )?[\\w.]*(Error|Exception)\\b.*");

  private final Logger log;
  private final Deque<String> complaints = new ArrayDeque<>();

  MemberLog(MemberName member) {
    this.log = LoggerFactory.getLogger(member.toString());
  }

  @Override
  public void accept(OutputLine line) {
    var parsed = LogLine.parse(line.text());
    // What is no log line is still something that a person may need to see.
    LogLine entry = parsed.orElseGet(() -> LogLine.plain(line.text()));
    if (line.stream() == OutputLine.Stream.STDERR || entry.level() == Level.ERROR) {
      keep(entry.message());
    }
    var event = log.atLevel(entry.level());
    for (var field : entry.fields().entrySet()) {
      event = event.addKeyValue(field.getKey(), field.getValue());
    }
    event.log(entry.message());
  }

  private synchronized void keep(String message) {
    if (message.isBlank()) {
      return;
    }
    if (complaints.size() == KEPT_LINES) {
      complaints.removeFirst();
    }
    complaints.addLast(message);
  }

  /** The line that most likely says why the member ended; empty when it said nothing. */
  synchronized String lastWords() {
    String last = "";
    String exception = "";
    for (var complaint : complaints) {
      String line = complaint.lines().reduce("", (before, after) -> after).strip();
      last = line;
      if (EXCEPTION.matcher(line).matches()) {
        exception = line;
      }
    }
    return exception.isEmpty() ? last : exception;
  }
}
