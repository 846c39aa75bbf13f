package dev.lorax.operator.server.manifest;

import dev.lorax.operator.server.plan.ServingPlan;
import io.fabric8.kubernetes.api.model.IntOrString;
import io.fabric8.kubernetes.api.model.PodTemplateSpec;
import io.fabric8.kubernetes.api.model.PodTemplateSpecBuilder;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.api.model.apps.DeploymentBuilder;
import io.fabric8.kubernetes.api.model.apps.DeploymentStrategy;
import io.fabric8.kubernetes.api.model.apps.DeploymentStrategyBuilder;
import java.util.Map;
import java.util.TreeMap;

/** The Deployment that holds the replicas of a server. */
public final class DeploymentManifest {

  private DeploymentManifest() {}

  public static Deployment of(ServingPlan plan) {
    return new DeploymentBuilder()
        .withMetadata(Metadata.of(plan))
        .withNewSpec()
        .withReplicas(plan.replicas())
        .withPaused(plan.rollout().paused() ? true : null)
        .withStrategy(strategy(plan.rollout()))
        .withNewSelector()
        .withMatchLabels(Labels.selector(plan.server().name()))
        .endSelector()
        .withTemplate(template(plan))
        .endSpec()
        .build();
  }

  private static DeploymentStrategy strategy(ServingPlan.RolloutPlan rollout) {
    return new DeploymentStrategyBuilder()
        .withType("RollingUpdate")
        .withNewRollingUpdate()
        .withMaxSurge(new IntOrString(rollout.maxSurge()))
        .withMaxUnavailable(new IntOrString(rollout.maxUnavailable()))
        .endRollingUpdate()
        .build();
  }

  private static PodTemplateSpec template(ServingPlan plan) {
    return new PodTemplateSpecBuilder()
        .withNewMetadata()
        .withLabels(labels(plan))
        .withAnnotations(plan.podTemplate().annotations())
        .endMetadata()
        .withSpec(PodManifest.of(plan))
        .build();
  }

  /** Ours win: the schema refuses those of users that have the same keys. */
  private static Map<String, String> labels(ServingPlan plan) {
    var labels = new TreeMap<>(plan.podTemplate().labels());
    labels.putAll(Labels.of(plan.server().name()));
    return labels;
  }
}
