package dev.lorax.launcher.members;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.slf4j.event.Level;

/**
 * Puts the lines of a Python traceback or a Java stack trace together again, so that it is one
 * entry at level ERROR and not twenty at level INFO. Thread-safe.
 */
final class Traceback {

  private static final Pattern PYTHON_HEAD =
      Pattern.compile("(\\[rank\\d+]: ?)?Traceback \\(most recent call last\\):.*");
  private static final Pattern JAVA_HEAD = Pattern.compile("Exception in thread \".*");

  /** Of Python's frames (indented, after torch's rank), of Java's frames and causes. */
  private static final Pattern FRAME =
      Pattern.compile("(\\[rank\\d+]: ?)?[ \\t].*|Caused by: .*|\\.\\.\\. \\d+ more");

  /** A traceback longer than this is shown in pieces. */
  private static final int MAX_LINES = 500;

  private final List<String> lines = new ArrayList<>();
  private boolean python;

  /** The entries that are complete with this line. */
  synchronized List<LogLine> add(String line) {
    if (lines.isEmpty()) {
      return begin(line);
    }
    boolean frame = FRAME.matcher(line).matches();
    if (frame && lines.size() < MAX_LINES) {
      lines.add(line);
      return List.of();
    }
    if (python && !frame) {
      // The exception itself, which ends a traceback.
      lines.add(line);
      return end();
    }
    List<LogLine> entries = new ArrayList<>(end());
    entries.addAll(begin(line));
    return entries;
  }

  private List<LogLine> begin(String line) {
    python = PYTHON_HEAD.matcher(line).matches();
    if (python || JAVA_HEAD.matcher(line).matches()) {
      lines.add(line);
      return List.of();
    }
    return List.of(LogLine.plain(line));
  }

  /** What was begun, as far as it came. */
  synchronized List<LogLine> end() {
    if (lines.isEmpty()) {
      return List.of();
    }
    var entry = new LogLine(Level.ERROR, String.join("\n", lines), Map.of());
    lines.clear();
    return List.of(entry);
  }
}
