package dev.lorax.operator.server.status;

/** One pod of a server as its status shows it. */
record Replica(String pod, PodState state) {

  /** Whether it counts as existing: one that stops or has failed is about to be replaced. */
  boolean exists() {
    return !(state instanceof PodState.Stopping || state instanceof PodState.Failed);
  }

  boolean ready() {
    return state instanceof PodState.Ready;
  }

  /** Whether it has come past {@code stage} of {@link PodState.OnItsWay}. */
  boolean past(int stage) {
    return ready() || state instanceof PodState.OnItsWay onItsWay && onItsWay.stage() > stage;
  }
}
