package dev.lorax.e2e.demo;

import java.io.Console;
import java.io.File;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * Where the demo is told.
 *
 * @param live whether a person watches, so that lines may be written over
 */
public record Terminal(PrintStream out, boolean live, int columns, int rows) {

  // What fits in a log viewer: nobody's terminal tells its width there.
  private static final int LOG_COLUMNS = 120;

  /** The terminal of this process, or its log file or pipe. */
  public static Terminal detect() {
    var out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    Console console = System.console();
    if (console == null || !console.isTerminal()) {
      return new Terminal(out, false, LOG_COLUMNS, Integer.MAX_VALUE);
    }
    List<Integer> size = size();
    return size.size() == 2 && size.get(1) > 0
        ? new Terminal(out, true, size.get(1), size.get(0))
        : new Terminal(out, true, 80, 24);
  }

  /** Rows and columns; empty where no stty is to be had. */
  private static List<Integer> size() {
    try {
      Process stty = new ProcessBuilder("stty", "size").redirectInput(new File("/dev/tty")).start();
      String answer = new String(stty.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      return List.of(answer.strip().split(" ")).stream()
          .filter(word -> word.matches("\\d+"))
          .map(Integer::valueOf)
          .toList();
    } catch (IOException e) {
      return List.of();
    }
  }

  /** Replaces the current line. */
  void overwrite(String line) {
    String shown = line.length() < columns ? line : line.substring(0, columns - 2) + "…";
    out.print("\r\033[K" + shown);
    out.flush();
  }

  /** Prints a line, over what was last overwritten. */
  void line(String line) {
    out.println(live ? "\r\033[K" + line : line);
  }

  /** Draws lines over the block that was drawn before. */
  void redraw(List<String> lines, int previousHeight) {
    var frame = new StringBuilder(previousHeight == 0 ? "" : "\033[" + previousHeight + "A");
    frame.append("\r\033[J");
    lines.forEach(line -> frame.append(line).append('\n'));
    out.print(frame);
    out.flush();
  }
}
