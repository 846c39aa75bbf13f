package dev.lorax.launcher;

import java.util.List;
import sun.misc.Signal;

/**
 * Turns SIGTERM, SIGINT and SIGHUP into an interrupt of one thread, the first as well as the
 * second: Java's shutdown hooks know only one, and their exit code would not be ours.
 */
final class StopSignals {

  private static final List<String> NAMES = List.of("TERM", "INT", "HUP");

  private StopSignals() {}

  static void interrupt(Thread thread) {
    for (var name : NAMES) {
      Signal.handle(new Signal(name), signal -> thread.interrupt());
    }
  }
}
