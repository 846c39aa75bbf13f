package dev.lorax.operator.server.status;

import java.util.Optional;

/**
 * What needs somebody: it does not pass by itself. A server may be in trouble while all its
 * replicas answer, for example when a rollout cannot go on.
 */
record Trouble(String reason, String message) {

  static Optional<Trouble> of(Observed seen) {
    return seen.existing().stream()
        .filter(replica -> replica.state() instanceof PodState.Stuck)
        .min(Verdict.WORST_FIRST)
        .map(replica ->
            new Trouble(
                replica.state().reason(),
                "pod %s: %s".formatted(replica.pod(), replica.state().message())))
        .or(() ->
            seen.ready() < seen.plan().replicas()
                ? seen.podsRefused().map(why -> new Trouble("PodsRefused", why))
                : Optional.empty());
  }
}
