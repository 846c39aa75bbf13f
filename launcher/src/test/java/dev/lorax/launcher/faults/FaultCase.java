package dev.lorax.launcher.faults;

/**
 * A row of the table at one moment in one place.
 *
 * @param line of the row in docs/faults.md
 * @param says what the launcher's log must hold; empty when there is nothing to say
 */
record FaultCase(
    int line, Fault fault, Moment moment, Place place, Sentence says, Outcome outcome) {

  /**
   * Whether members that were told to wait may go on; who fails or is told to stop must not need
   * it.
   */
  boolean endsTheWait() {
    return fault.endsTheWait() && outcome != Outcome.FAILS;
  }

  @Override
  public String toString() {
    return "%s, %s, %s".formatted(fault, moment, place);
  }
}
