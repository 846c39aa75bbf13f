package dev.lorax.operator.server.manifest;

import dev.lorax.crds.v1alpha1.LoraxServer;
import dev.lorax.operator.server.plan.ServingPlan;
import dev.lorax.operator.server.plan.ServingPlan.AutoscalingPlan;
import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.api.model.autoscaling.v2.HorizontalPodAutoscaler;
import io.fabric8.kubernetes.api.model.autoscaling.v2.HorizontalPodAutoscalerBehavior;
import io.fabric8.kubernetes.api.model.autoscaling.v2.HorizontalPodAutoscalerBehaviorBuilder;
import io.fabric8.kubernetes.api.model.autoscaling.v2.HorizontalPodAutoscalerBuilder;
import io.fabric8.kubernetes.api.model.autoscaling.v2.MetricSpec;
import io.fabric8.kubernetes.api.model.autoscaling.v2.MetricSpecBuilder;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The autoscaler that writes {@code spec.replicas} of the server, by its scale subresource; never
 * that of the Deployment, which the operator writes.
 */
public final class AutoscalerManifest {

  private AutoscalerManifest() {}

  /** Empty where a plan has none. */
  public static Optional<HorizontalPodAutoscaler> of(ServingPlan plan) {
    return Optional.ofNullable(plan.autoscaling()).map(scaling -> autoscaler(plan, scaling));
  }

  private static HorizontalPodAutoscaler autoscaler(ServingPlan plan, AutoscalingPlan scaling) {
    return new HorizontalPodAutoscalerBuilder()
        .withMetadata(Metadata.of(plan))
        .withNewSpec()
        .withNewScaleTargetRef()
        .withApiVersion(LoraxServer.GROUP + "/" + LoraxServer.VERSION)
        .withKind(LoraxServer.KIND)
        .withName(plan.server().name())
        .endScaleTargetRef()
        .withMinReplicas(scaling.minReplicas())
        .withMaxReplicas(scaling.maxReplicas())
        .withMetrics(metrics(scaling))
        .withBehavior(behavior(scaling))
        .endSpec()
        .build();
  }

  private static List<MetricSpec> metrics(AutoscalingPlan scaling) {
    var metrics = new ArrayList<MetricSpec>();
    if (scaling.queueLength() != null) {
      metrics.add(average(RouterMetric.QUEUE_LENGTH, scaling.queueLength().toString()));
    }
    if (scaling.cachePercent() != null) {
      metrics.add(average(RouterMetric.CACHE_UTILIZATION, share(scaling.cachePercent())));
    }
    return metrics;
  }

  /** As the API server writes it, or it would seem changed at every look. */
  private static String share(int percent) {
    return percent == 100 ? "1" : percent * 10 + "m";
  }

  private static MetricSpec average(RouterMetric metric, String value) {
    return new MetricSpecBuilder()
        .withType("Pods")
        .withNewPods()
        .withNewMetric()
        .withName(metric.metricName())
        .endMetric()
        .withNewTarget()
        .withType("AverageValue")
        .withAverageValue(new Quantity(value))
        .endTarget()
        .endPods()
        .build();
  }

  private static HorizontalPodAutoscalerBehavior behavior(AutoscalingPlan scaling) {
    return new HorizontalPodAutoscalerBehaviorBuilder()
        .withNewScaleUp()
        .withStabilizationWindowSeconds((int) scaling.scaleUpDelay().toSeconds())
        .endScaleUp()
        .withNewScaleDown()
        .withStabilizationWindowSeconds((int) scaling.scaleDownDelay().toSeconds())
        .endScaleDown()
        .build();
  }
}
