package dev.lorax.launcher;

import java.util.List;
import sun.misc.Signal;

/**
 * SIGTERM, SIGINT and SIGHUP, the first as well as the second: Java's shutdown hooks know only one,
 * and their exit code would not be ours.
 */
final class StopSignals {

  private static final List<String> NAMES = List.of("TERM", "INT", "HUP");

  private volatile boolean received;

  private StopSignals() {}

  /** Runs the action at each of them. */
  static StopSignals each(Runnable action) {
    var signals = new StopSignals();
    for (var name : NAMES) {
      Signal.handle(
          new Signal(name),
          signal -> {
            signals.received = true;
            action.run();
          });
    }
    return signals;
  }

  /** Whether one came: what fails after that fails because of it. */
  boolean received() {
    return received;
  }
}
