package dev.lorax.e2e.demo;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;

/**
 * A step of the demo as a person follows it: what is being done, for how long, what is left.
 *
 * <p>On a terminal one line is kept up to date; elsewhere a line is printed when something changes,
 * at most every {@link #LOG_PAUSE}. Thread-safe.
 */
final class Step implements AutoCloseable {

  private static final Duration TICK = Duration.ofMillis(500);
  private static final Duration LOG_PAUSE = Duration.ofSeconds(3);

  private final Terminal terminal;
  private final InstantSource clock;
  private final String label;
  private final Instant begin;
  private final Thread ticker;
  private String doing = "";
  private String printed = "";
  private Instant lastPrint;
  private boolean ended;

  @SuppressWarnings("ThreadStart") // the thread only reads fields that are set before
  Step(Terminal terminal, InstantSource clock, String label) {
    this.terminal = terminal;
    this.clock = clock;
    this.label = label;
    this.begin = clock.instant();
    this.lastPrint = begin;
    terminalLine(label);
    this.ticker = Thread.ofVirtual().name("step").unstarted(this::tick);
    ticker.start();
  }

  /** Says what is being done now. */
  void doing(String what) {
    doing(what, List.of());
  }

  /** Says what is being done now and what comes after it. */
  synchronized void doing(String what, List<String> left) {
    doing = left.isEmpty() ? what : "%s (left: %s)".formatted(what, String.join(", ", left));
  }

  /** Ends the step with what came of it. */
  synchronized void done(String outcome) {
    if (!ended) {
      ended = true;
      terminal.line("%s: %s (%d s)".formatted(label, outcome, elapsed()));
    }
  }

  /** Ends the step; without an outcome it has failed. */
  @Override
  public void close() {
    done("failed");
    ticker.interrupt();
  }

  private void tick() {
    try {
      while (!Thread.interrupted()) {
        Thread.sleep(TICK);
        show();
      }
    } catch (InterruptedException _) {
      // The step has ended.
    }
  }

  private synchronized void show() {
    if (ended) {
      return;
    }
    if (terminal.live()) {
      String what = doing.isEmpty() ? "" : doing + " · ";
      terminal.overwrite("%s … %s%d s".formatted(label, what, elapsed()));
    } else if (!doing.equals(printed)
        && Duration.between(lastPrint, clock.instant()).compareTo(LOG_PAUSE) >= 0) {
      terminal.line("%s: %s, %d s so far".formatted(label, doing, elapsed()));
      printed = doing;
      lastPrint = clock.instant();
    }
  }

  private void terminalLine(String line) {
    if (terminal.live()) {
      terminal.overwrite(line);
    } else {
      terminal.line(line);
    }
  }

  private long elapsed() {
    return Duration.between(begin, clock.instant()).toSeconds();
  }
}
