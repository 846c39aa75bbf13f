package dev.lorax.operator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.lorax.crds.v1alpha1.LoraxServer;
import dev.lorax.operator.server.plan.Specs;
import io.fabric8.kubernetes.api.model.Condition;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.Service;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.api.model.apps.DeploymentBuilder;
import io.fabric8.kubernetes.api.model.autoscaling.v2.HorizontalPodAutoscaler;
import io.fabric8.kubernetes.api.model.policy.v1.PodDisruptionBudget;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import java.time.Duration;
import org.awaitility.core.ConditionFactory;

/** The server {@code demo} of one namespace and what belongs to it, as the API server has them. */
record TestingServer(KubernetesClient client, String namespace) {

  static final String NAME = "demo";

  LoraxServer create() {
    return create(sample("cpu"));
  }

  /** Creates one that says more than the sample. */
  LoraxServer create(LoraxServer server) {
    return client.resource(server).inNamespace(namespace).create();
  }

  static LoraxServer sample(String device) {
    return Specs.server(
        """
        apiVersion: lorax.dev/v1alpha1
        kind: LoraxServer
        metadata: {name: %s}
        spec:
          model: {pvc: {claimName: demo-models, path: smollm2.gguf}}
          shards: {device: %s}
          adapters:
            pvc: {claimName: demo-models, path: adapters}
            preload: [sql, sentiment, pirate]
        """
            .formatted(NAME, device));
  }

  /** As it is now; null when it is gone, as are the others. */
  LoraxServer get() {
    return client.resources(LoraxServer.class).inNamespace(namespace).withName(NAME).get();
  }

  Deployment deployment() {
    return client.resources(Deployment.class).inNamespace(namespace).withName(NAME).get();
  }

  Service service() {
    return client.resources(Service.class).inNamespace(namespace).withName(NAME).get();
  }

  PodDisruptionBudget disruptionBudget() {
    return client.resources(PodDisruptionBudget.class).inNamespace(namespace).withName(NAME).get();
  }

  HorizontalPodAutoscaler autoscaler() {
    return client
        .resources(HorizontalPodAutoscaler.class)
        .inNamespace(namespace)
        .withName(NAME)
        .get();
  }

  /** Changes it as {@code kubectl patch --type=merge} does. */
  void patch(String json) {
    client
        .resources(LoraxServer.class)
        .inNamespace(namespace)
        .withName(NAME)
        .patch(PatchContext.of(PatchType.JSON_MERGE), json);
  }

  Condition condition(String type) {
    assertThat(get().getStatus()).as("status of the server").isNotNull();
    return get().getStatus().conditions().stream()
        .filter(condition -> condition.getType().equals(type))
        .findFirst()
        .orElseThrow(() -> new AssertionError("no condition " + type));
  }

  void awaitReason(String reason) {
    soon().untilAsserted(() -> assertThat(condition("Ready").getReason()).isEqualTo(reason));
  }

  void awaitMessage(String part) {
    soon().untilAsserted(() -> assertThat(condition("Ready").getMessage()).contains(part));
  }

  /** Writes what the Deployment's controller would, where there is none. */
  void deploymentControllerHasRolledOut() {
    client
        .resource(deployment())
        .editStatus(found ->
            new DeploymentBuilder(found)
                .editOrNewStatus()
                .withObservedGeneration(found.getMetadata().getGeneration())
                .withReplicas(1)
                .withUpdatedReplicas(1)
                .endStatus()
                .build());
  }

  static String version(HasMetadata object) {
    return object.getMetadata().getResourceVersion();
  }

  static ConditionFactory soon() {
    return await().atMost(Duration.ofSeconds(30)).pollInterval(Duration.ofMillis(100));
  }
}
