package dev.lorax.operator.server.manifest;

import dev.lorax.operator.server.plan.ServingPlan;
import dev.lorax.operator.server.plan.ServingPlan.CachePlan;
import io.fabric8.kubernetes.api.model.ObjectMetaBuilder;
import io.fabric8.kubernetes.api.model.PersistentVolumeClaim;
import io.fabric8.kubernetes.api.model.PersistentVolumeClaimBuilder;
import io.fabric8.kubernetes.api.model.PersistentVolumeClaimSpec;
import io.fabric8.kubernetes.api.model.PersistentVolumeClaimSpecBuilder;
import io.fabric8.kubernetes.api.model.Quantity;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The claim for weights that all replicas of a server share. */
public final class CacheClaimManifest {

  private CacheClaimManifest() {}

  /** Empty where a plan needs none made. */
  public static Optional<PersistentVolumeClaim> of(ServingPlan plan) {
    return plan.cache() instanceof CachePlan.SharedClaim shared
        ? Optional.of(claim(plan, shared))
        : Optional.empty();
  }

  private static PersistentVolumeClaim claim(ServingPlan plan, CachePlan.SharedClaim shared) {
    return new PersistentVolumeClaimBuilder()
        .withMetadata(new ObjectMetaBuilder(Metadata.of(plan)).withName(shared.claimName()).build())
        .withSpec(spec("ReadWriteMany", shared.storage(), shared.storageClass()))
        .build();
  }

  static PersistentVolumeClaimSpec spec(
      String accessMode, Quantity storage, @Nullable String storageClass) {
    return new PersistentVolumeClaimSpecBuilder()
        .withAccessModes(accessMode)
        .withStorageClassName(storageClass)
        .withNewResources()
        .withRequests(Map.of("storage", storage))
        .endResources()
        .build();
  }
}
