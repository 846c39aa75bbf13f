package dev.lorax.operator.server;

import dev.lorax.crds.v1alpha1.LoraxServer;
import dev.lorax.crds.v1alpha1.LoraxServerStatus;
import dev.lorax.operator.server.apply.Applier;
import dev.lorax.operator.server.apply.ApplyBody;
import dev.lorax.operator.server.status.ConditionType;
import io.fabric8.kubernetes.api.model.Condition;
import io.fabric8.kubernetes.api.model.ObjectMetaBuilder;
import io.javaoperatorsdk.operator.api.reconciler.Context;
import io.javaoperatorsdk.operator.api.reconciler.PrimaryUpdateAndCacheUtils;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Writes a status where it has changed, and tells the change as an event. What was written is in
 * the cache at once, so that the next reconcile compares with it and not with what came before.
 */
final class StatusWriter {

  private static final LoraxServerStatus NOTHING_SEEN =
      new LoraxServerStatus(null, null, 0, 0, null, null, List.of(), null, List.of());

  /** Reasons for not being ready that somebody has chosen. */
  private static final Set<String> ASKED_FOR = Set.of("ScaledToZero", "RolloutPaused");

  private final Applier applier;
  private final EventRecorder events;

  StatusWriter(Applier applier, EventRecorder events) {
    this.applier = applier;
    this.events = events;
  }

  /** The status of a server so far, empty for a new one. */
  static LoraxServerStatus statusOf(LoraxServer server) {
    return server.getStatus() == null ? NOTHING_SEEN : server.getStatus();
  }

  void write(LoraxServer server, LoraxServerStatus status, Context<LoraxServer> context) {
    if (!status.equals(server.getStatus())) {
      PrimaryUpdateAndCacheUtils.updateAndCacheResource(
          server, context, now -> with(now, status), this::apply);
      tell(server, status);
    }
  }

  private void tell(LoraxServer server, LoraxServerStatus status) {
    Optional<String> before = ready(statusOf(server)).map(Condition::getReason);
    ready(status)
        .filter(now -> !before.equals(Optional.of(now.getReason())))
        .ifPresent(now -> events.readyChanged(server, now, needsSomebody(status)));
  }

  private static LoraxServer with(LoraxServer server, LoraxServerStatus status) {
    var wanted = new LoraxServer();
    wanted.setMetadata(new ObjectMetaBuilder(server.getMetadata()).build());
    wanted.setSpec(server.getSpec());
    wanted.setStatus(status);
    return wanted;
  }

  private LoraxServer apply(LoraxServer wanted) {
    applier.applyStatus(ApplyBody.of(statusOnly(wanted))).into(wanted.getMetadata());
    return wanted;
  }

  /** Applied server-side, so it must hold nothing but what the operator owns. */
  private static LoraxServer statusOnly(LoraxServer server) {
    var patch = new LoraxServer();
    patch.setMetadata(
        new ObjectMetaBuilder()
            .withName(server.getMetadata().getName())
            .withNamespace(server.getMetadata().getNamespace())
            .withResourceVersion(server.getMetadata().getResourceVersion())
            .build());
    patch.setStatus(server.getStatus());
    return patch;
  }

  /** Neither ready nor on its way, and not because it is asked to be so. */
  private static boolean needsSomebody(LoraxServerStatus status) {
    return !holds(status, ConditionType.READY)
        && !holds(status, ConditionType.PROGRESSING)
        && ready(status).filter(ready -> ASKED_FOR.contains(ready.getReason())).isEmpty();
  }

  private static boolean holds(LoraxServerStatus status, ConditionType type) {
    return condition(status, type)
        .filter(condition -> condition.getStatus().equals("True"))
        .isPresent();
  }

  private static Optional<Condition> ready(LoraxServerStatus status) {
    return condition(status, ConditionType.READY);
  }

  private static Optional<Condition> condition(LoraxServerStatus status, ConditionType type) {
    return status.conditions().stream()
        .filter(condition -> condition.getType().equals(type.typeName()))
        .findFirst();
  }
}
