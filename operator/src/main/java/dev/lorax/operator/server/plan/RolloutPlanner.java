package dev.lorax.operator.server.plan;

import dev.lorax.crds.v1alpha1.DisruptionBudget;
import dev.lorax.crds.v1alpha1.Rollout;
import dev.lorax.crds.v1alpha1.Shards.Device;
import dev.lorax.operator.server.plan.ServingPlan.RolloutPlan;
import org.jspecify.annotations.Nullable;

/** How pods are replaced, by us and by those who drain nodes. */
final class RolloutPlanner {

  private RolloutPlanner() {}

  /** At least one of both numbers is above 0, else nothing could be replaced. */
  static RolloutPlan rollout(Rollout asked, Device device) {
    int surge = asked.maxSurge() == null ? surge(asked, device) : asked.maxSurge();
    int unavailable = asked.maxUnavailable() == null ? (surge > 0 ? 0 : 1) : asked.maxUnavailable();
    return new RolloutPlan(surge, unavailable, asked.paused());
  }

  /**
   * GPUs are scarce: replace a pod in place. CPU pods fit twice: keep all replicas serving
   * meanwhile.
   */
  private static int surge(Rollout asked, Device device) {
    Integer unavailable = asked.maxUnavailable();
    if (unavailable != null) {
      return unavailable == 0 ? 1 : 0;
    }
    return switch (device) {
      case CUDA -> 0;
      case CPU -> 1;
    };
  }

  static @Nullable Integer disruptible(DisruptionBudget budget) {
    return switch (budget.mode()) {
      case MANAGED -> budget.maxUnavailable();
      case NONE -> null;
    };
  }
}
