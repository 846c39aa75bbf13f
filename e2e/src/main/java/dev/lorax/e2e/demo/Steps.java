package dev.lorax.e2e.demo;

import java.time.InstantSource;

/** The numbered steps of the demo. Confined to the thread that takes them. */
final class Steps {

  private final Terminal terminal;
  private final InstantSource clock;
  private final int total;
  private int taken;

  /**
   * @param offset steps that were taken before, by the caller of this program
   * @param total steps in all
   */
  Steps(Terminal terminal, InstantSource clock, int offset, int total) {
    this.terminal = terminal;
    this.clock = clock;
    this.taken = offset;
    this.total = total;
  }

  /** Begins the next step. */
  Step begin(String title) {
    taken++;
    return new Step(terminal, clock, "[%d/%d] %s".formatted(taken, total, title));
  }
}
