package dev.lorax.operator.server.status;

import io.fabric8.kubernetes.api.model.Condition;
import io.fabric8.kubernetes.api.model.ConditionBuilder;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;

/**
 * Collects the conditions of one status. A condition whose status stays keeps the time of its last
 * transition, so that an unchanged world gives an equal status. Confined to one thread.
 */
final class Conditions {

  private final List<Condition> previous;
  private final long generation;
  private final Instant now;
  private final List<Condition> collected = new ArrayList<>();

  Conditions(List<Condition> previous, long generation, Instant now) {
    this.previous = previous;
    this.generation = generation;
    // Kubernetes times have no fractions of a second.
    this.now = now.truncatedTo(ChronoUnit.SECONDS);
  }

  void add(ConditionType type, boolean holds, String reason, String message) {
    String status = holds ? "True" : "False";
    collected.add(
        new ConditionBuilder()
            .withType(type.typeName())
            .withStatus(status)
            .withReason(reason)
            .withMessage(message)
            .withObservedGeneration(generation)
            .withLastTransitionTime(lastTransition(type, status))
            .build());
  }

  List<Condition> all() {
    return List.copyOf(collected);
  }

  private String lastTransition(ConditionType type, String status) {
    return previous.stream()
        .filter(condition -> condition.getType().equals(type.typeName()))
        .filter(condition -> condition.getStatus().equals(status))
        .map(Condition::getLastTransitionTime)
        .findFirst()
        .orElseGet(now::toString);
  }
}
