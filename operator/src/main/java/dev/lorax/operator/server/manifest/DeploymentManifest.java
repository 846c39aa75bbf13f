package dev.lorax.operator.server.manifest;

import dev.lorax.operator.server.plan.ServingPlan;
import io.fabric8.kubernetes.api.model.IntOrString;
import io.fabric8.kubernetes.api.model.ObjectMeta;
import io.fabric8.kubernetes.api.model.ObjectMetaBuilder;
import io.fabric8.kubernetes.api.model.PodTemplateSpec;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.api.model.apps.DeploymentBuilder;
import io.fabric8.kubernetes.api.model.apps.DeploymentSpec;
import io.fabric8.kubernetes.api.model.apps.DeploymentSpecBuilder;
import io.fabric8.kubernetes.api.model.apps.DeploymentStrategy;
import io.fabric8.kubernetes.api.model.apps.DeploymentStrategyBuilder;
import java.util.Map;
import java.util.TreeMap;

/** The Deployment that holds the replicas of a server. */
public final class DeploymentManifest {

  private DeploymentManifest() {}

  public static Deployment of(ServingPlan plan) {
    DeploymentSpec spec =
        new DeploymentSpecBuilder()
            .withReplicas(plan.replicas())
            .withPaused(plan.rollout().paused() ? true : null)
            .withStrategy(strategy(plan.rollout()))
            .withNewSelector()
            .withMatchLabels(Labels.selector(plan.server().name()))
            .endSelector()
            .build();
    // Set, not built: a builder would copy all of the pod, at each level again.
    spec.setTemplate(template(plan));
    Deployment deployment = new DeploymentBuilder().withMetadata(Metadata.of(plan)).build();
    deployment.setSpec(spec);
    return deployment;
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
    ObjectMeta metadata =
        new ObjectMetaBuilder()
            .withLabels(labels(plan))
            .withAnnotations(plan.podTemplate().annotations())
            .build();
    return new PodTemplateSpec(metadata, PodManifest.of(plan));
  }

  /** Ours win: the schema refuses those of users that have the same keys. */
  private static Map<String, String> labels(ServingPlan plan) {
    var labels = new TreeMap<>(plan.podTemplate().labels());
    labels.putAll(Labels.of(plan.server().name()));
    return labels;
  }
}
