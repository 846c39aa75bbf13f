package dev.lorax.launcher.members;

import dev.lorax.launcher.process.MemberName;
import dev.lorax.launcher.process.OutputLine;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Forwards a member's output to the launcher's log under the member's name: log lines at their own
 * level, tracebacks as one entry, everything else as it is. Thread-safe.
 */
final class MemberLog implements Consumer<OutputLine> {

  private final Logger log;
  private final Complaints complaints = new Complaints();
  private final Traceback traceback = new Traceback();

  MemberLog(MemberName member) {
    this.log = LoggerFactory.getLogger(member.toString());
  }

  @Override
  public void accept(OutputLine line) {
    var parsed = LogLine.parse(line.text());
    if (parsed.isEmpty() && line.stream() == OutputLine.Stream.STDERR) {
      complaints.wrote(line.text());
      traceback.add(line.text()).forEach(this::forward);
    } else {
      // What is no log line is still something that a person may need to see.
      LogLine entry = parsed.orElseGet(() -> LogLine.plain(line.text()));
      complaints.logged(entry);
      forward(entry);
    }
  }

  /** No line will follow. */
  void end() {
    traceback.end().forEach(this::forward);
  }

  private void forward(LogLine entry) {
    var event = log.atLevel(entry.level());
    for (var field : entry.fields().entrySet()) {
      event = event.addKeyValue(field.getKey(), field.getValue());
    }
    event.log(entry.message());
  }

  LastWords lastWords() {
    return complaints.lastWords();
  }
}
