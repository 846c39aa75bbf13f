package dev.lorax.operator.server.plan;

import dev.lorax.crds.v1alpha1.Autoscaling;
import dev.lorax.operator.server.plan.ServingPlan.AutoscalingPlan;
import org.jspecify.annotations.Nullable;

/** What moves the number of replicas: what is asked for, or both signals where nothing is. */
final class AutoscalingPlanner {

  private static final int QUEUE_LENGTH = 4;
  private static final int CACHE_PERCENT = 80;

  private AutoscalingPlanner() {}

  static @Nullable AutoscalingPlan plan(@Nullable Autoscaling asked) {
    if (asked == null) {
      return null;
    }
    boolean neither = asked.targetQueueLength() == null && asked.targetCachePercent() == null;
    return new AutoscalingPlan(
        asked.minReplicas(),
        asked.maxReplicas(),
        neither ? Integer.valueOf(QUEUE_LENGTH) : asked.targetQueueLength(),
        neither ? Integer.valueOf(CACHE_PERCENT) : asked.targetCachePercent(),
        Durations.parse(asked.scaleUpDelay()),
        Durations.parse(asked.scaleDownDelay()));
  }
}
