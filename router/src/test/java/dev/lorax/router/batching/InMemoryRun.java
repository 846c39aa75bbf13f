package dev.lorax.router.batching;

/**
 * The run that {@link InMemoryShards} are in. Every other time it is told to end when the next step
 * has begun already.
 */
final class InMemoryRun {
  private Run run = Run.NONE;
  private boolean never;
  private boolean goesOn;
  private int told;
  private int endings;

  /** From now on there is none, whatever is asked for. */
  void never() {
    never = true;
  }

  /** A step has been asked for. */
  void begins(Run asked) {
    run = asked;
    told = 0;
  }

  void end() {
    told = 1 + (endings++ % 2);
  }

  /** Whether another step follows, after one in which a request ended or did not. */
  boolean goesOn(boolean requestEnded) {
    boolean hasHeard = told >= 2;
    told += told > 0 ? 1 : 0;
    goesOn =
        !never
            && !hasHeard
            && (run == Run.UNTIL_TOLD || (run == Run.UNTIL_A_REQUEST_ENDS && !requestEnded));
    return goesOn;
  }

  /** A step has failed or left no request. */
  void over() {
    goesOn = false;
  }

  /** Whether the last answer said that another one follows. */
  boolean isOn() {
    return goesOn;
  }
}
