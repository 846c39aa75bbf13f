package dev.lorax.operator.server;

import dev.lorax.operator.server.manifest.CacheClaimManifest;
import dev.lorax.operator.server.manifest.Labels;
import dev.lorax.operator.server.plan.ServingPlan;
import io.fabric8.kubernetes.api.model.PersistentVolumeClaim;
import io.javaoperatorsdk.operator.api.config.informer.Informer;
import io.javaoperatorsdk.operator.processing.dependent.kubernetes.KubernetesDependent;
import java.util.Optional;

/**
 * Keeps the claim that the replicas share, where the plan has one. It is never deleted from here:
 * it goes with its server, and a spec that names another cache leaves the weights where they are.
 */
@KubernetesDependent(
    informer =
        @Informer(labelSelector = Labels.ALL_SERVERS, onAddFilter = PlannedDependent.Never.class))
public final class CacheClaimDependent extends PlannedDependent<PersistentVolumeClaim> {

  @Override
  protected Optional<PersistentVolumeClaim> in(ServingPlan plan) {
    return CacheClaimManifest.of(plan);
  }

  @Override
  protected String nameIn(ServingPlan plan) {
    return plan.cache() instanceof ServingPlan.CachePlan.SharedClaim shared
        ? shared.claimName()
        : super.nameIn(plan);
  }
}
