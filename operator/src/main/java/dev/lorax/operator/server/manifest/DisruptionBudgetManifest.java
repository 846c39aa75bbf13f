package dev.lorax.operator.server.manifest;

import dev.lorax.operator.server.plan.ServingPlan;
import io.fabric8.kubernetes.api.model.IntOrString;
import io.fabric8.kubernetes.api.model.policy.v1.PodDisruptionBudget;
import io.fabric8.kubernetes.api.model.policy.v1.PodDisruptionBudgetBuilder;
import java.util.Optional;

/** The budget that holds back those who drain nodes. */
public final class DisruptionBudgetManifest {

  private DisruptionBudgetManifest() {}

  /** Empty where a plan has none. */
  public static Optional<PodDisruptionBudget> of(ServingPlan plan) {
    return Optional.ofNullable(plan.disruptible())
        .map(disruptible ->
            new PodDisruptionBudgetBuilder()
                .withMetadata(Metadata.of(plan))
                .withNewSpec()
                .withMaxUnavailable(new IntOrString(disruptible))
                // A replica that does not serve must never keep a node from being drained.
                .withUnhealthyPodEvictionPolicy("AlwaysAllow")
                .withNewSelector()
                .withMatchLabels(Labels.selector(plan.server().name()))
                .endSelector()
                .endSpec()
                .build());
  }
}
