package dev.lorax.operator.server.plan;

import dev.lorax.crds.v1alpha1.Cache;
import dev.lorax.operator.server.plan.ServingPlan.CachePlan;
import org.jspecify.annotations.Nullable;

/** Where downloaded and converted weights are kept, and who shares that place. */
final class CachePlanner {

  private CachePlanner() {}

  static CachePlan plan(String server, @Nullable Cache cache) {
    if (cache == null) {
      return new CachePlan.PodVolume(null);
    }
    if (cache.pvc() != null) {
      return new CachePlan.Claim(cache.pvc().claimName());
    }
    return cache.newPvc() != null
        ? claimed(server, cache.newPvc())
        : new CachePlan.PodVolume(cache.emptyDir() == null ? null : cache.emptyDir().sizeLimit());
  }

  /** A volume that one node at a time can write to must not be waited for by a second pod. */
  private static CachePlan claimed(String server, Cache.NewClaim claim) {
    return switch (claim.accessMode()) {
      case READ_WRITE_MANY ->
          new CachePlan.SharedClaim(server + "-cache", claim.storage(), claim.storageClassName());
      case READ_WRITE_ONCE -> new CachePlan.PodClaim(claim.storage(), claim.storageClassName());
    };
  }
}
