package dev.lorax.operator.server;

import dev.lorax.crds.v1alpha1.LoraxServer;
import dev.lorax.operator.server.manifest.DisruptionBudgetManifest;
import dev.lorax.operator.server.manifest.Labels;
import dev.lorax.operator.server.plan.ServingPlan;
import io.fabric8.kubernetes.api.model.policy.v1.PodDisruptionBudget;
import io.javaoperatorsdk.operator.api.config.informer.Informer;
import io.javaoperatorsdk.operator.api.reconciler.dependent.GarbageCollected;
import io.javaoperatorsdk.operator.processing.dependent.kubernetes.KubernetesDependent;
import java.util.Optional;

/** Keeps the PodDisruptionBudget of a server where its plan has one, and removes it where not. */
@KubernetesDependent(
    informer =
        @Informer(labelSelector = Labels.ALL_SERVERS, onAddFilter = PlannedDependent.Never.class))
public final class DisruptionBudgetDependent extends PlannedDependent<PodDisruptionBudget>
    implements GarbageCollected<LoraxServer> {

  @Override
  protected Optional<PodDisruptionBudget> in(ServingPlan plan) {
    return DisruptionBudgetManifest.of(plan);
  }
}
