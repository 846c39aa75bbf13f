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
import io.fabric8.kubernetes.api.model.events.v1.Event;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.io.IOException;
import java.time.Clock;
import java.time.Duration;
import java.util.Set;
import org.awaitility.core.ConditionFactory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * The whole operator against a real API server, from what users write to what they read. It has the
 * rights that the chart grants and no others.
 */
@ExtendWith(TestingApiServer.class)
final class LoraxServerIT {

  private static final Deployment FOREIGN =
      Serialization.unmarshal(
          """
          apiVersion: apps/v1
          kind: Deployment
          metadata: {name: demo}
          spec:
            selector: {matchLabels: {app: foreign}}
            template:
              metadata: {labels: {app: foreign}}
              spec: {containers: [{name: main, image: busybox}]}
          """,
          Deployment.class);

  private KubernetesClient client;
  private LoraxOperator operator;
  private String namespace;

  @BeforeEach
  void start(TestingApiServer.Access server) throws IOException {
    client = server.client();
    namespace = server.namespace();
    operator =
        LoraxOperator.start(
            new OperatorConfig(Specs.IMAGES, Set.of(namespace), null, "test", 0),
            server.operatorClient(),
            Clock.systemUTC(),
            () -> {});
  }

  @AfterEach
  void stop() {
    operator.close();
    client.close();
  }

  @Test
  void makes_a_deployment_and_a_service_that_go_with_the_server() {
    // when
    LoraxServer server = create("demo");

    // then
    soon().untilAsserted(() -> assertThat(service()).isNotNull());
    soon().untilAsserted(() -> assertThat(deployment()).isNotNull());
    for (HasMetadata owned : new HasMetadata[] {deployment(), service()}) {
      var owners = owned.getMetadata().getOwnerReferences();
      assertThat(owners).hasSize(1);
      assertThat(owners.getFirst().getUid()).isEqualTo(server.getMetadata().getUid());
      assertThat(owners.getFirst().getController()).isTrue();
      assertThat(owners.getFirst().getBlockOwnerDeletion()).isTrue();
    }
    assertThat(server.getMetadata().getFinalizers()).isEmpty();
  }

  @Test
  void writes_nothing_when_nothing_has_changed() {
    // given
    create("demo");
    awaitReason("PodsPending");
    String serviceVersion = version(service());

    // when: somebody else touches the Deployment, so that the server is reconciled again
    client
        .resource(deployment())
        .edit(found ->
            new DeploymentBuilder(found)
                .editMetadata()
                .addToAnnotations("somebody", "else")
                .endMetadata()
                .build());
    String deploymentVersion = version(deployment());
    new TestingPod(client, namespace, "demo").create();
    awaitReason("PodStarting");

    // then: reconciles of one server follow each other, so the one that saw the pod came last
    assertThat(version(deployment())).isEqualTo(deploymentVersion);
    assertThat(version(service())).isEqualTo(serviceVersion);
  }

  @Test
  void a_new_operator_process_writes_nothing_for_servers_that_are_as_planned(
      TestingApiServer.Access access) throws IOException {
    // given
    create("demo");
    awaitReason("PodsPending");
    String deploymentVersion = version(deployment());
    String serviceVersion = version(service());

    // when
    operator.close();
    operator =
        LoraxOperator.start(
            new OperatorConfig(Specs.IMAGES, Set.of(namespace), null, "second", 0),
            access.operatorClient(),
            Clock.systemUTC(),
            () -> {});
    new TestingPod(client, namespace, "demo").create();
    awaitReason("PodStarting");

    // then
    assertThat(version(deployment())).isEqualTo(deploymentVersion);
    assertThat(version(service())).isEqualTo(serviceVersion);
  }

  @Test
  void scale_subresource_changes_the_deployment_and_names_the_pods() {
    // given
    create("demo");
    awaitReason("PodsPending");

    // when
    client.resource(server()).scale(3);

    // then
    soon().untilAsserted(() -> assertThat(deployment().getSpec().getReplicas()).isEqualTo(3));
    assertThat(server().getSpec().replicas()).isEqualTo(3);
    assertThat(server().getStatus().selector())
        .isEqualTo("app.kubernetes.io/instance=demo,app.kubernetes.io/name=lorax-server");
  }

  @Test
  void tells_how_far_a_pod_has_come() {
    // given
    create("demo");
    awaitReason("PodsPending");
    var pod = new TestingPod(client, namespace, "demo").create();

    // when, then
    pod.launcherRuns();
    awaitReason("Downloading");
    pod.modelIsCached();
    awaitReason("ShardsLoading");
    pod.shardsAreReady();
    awaitReason("RouterStarting");
    pod.routerIsReady();
    awaitReason("RollingOut");
    deploymentControllerHasRolledOut();
    awaitReason("Ready");
    assertThat(condition("Ready").getStatus()).isEqualTo("True");
    assertThat(condition("Ready").getObservedGeneration()).isEqualTo(1);
    assertThat(server().getStatus().adaptersReady()).isEqualTo("3/3");
  }

  @Test
  void tells_the_last_words_of_a_container_that_crashes() {
    // given
    create("demo");
    awaitReason("PodsPending");
    var pod = new TestingPod(client, namespace, "demo").create();

    // when
    pod.launcherCrashes(1, "model file /models/none.gguf: expected a file, got nothing");

    // then
    awaitReason("CrashLooping");
    assertThat(condition("Ready").getMessage())
        .contains("launcher", "model file /models/none.gguf: expected a file, got nothing");
    soon()
        .untilAsserted(() ->
            assertThat(client.resources(Event.class).inNamespace(namespace).list().getItems())
                .anySatisfy(event -> {
                  assertThat(event.getReason()).isEqualTo("CrashLooping");
                  assertThat(event.getType()).isEqualTo("Warning");
                  assertThat(event.getRegarding().getName()).isEqualTo("demo");
                }));
  }

  @Test
  void refuses_a_spec_that_this_operator_cannot_serve() {
    // given
    var server = sample("demo", "cuda");

    // when
    client.resource(server).inNamespace(namespace).create();

    // then
    awaitReason("ShardImageMissing");
    assertThat(condition("Ready").getMessage()).contains("set spec.shards.image");
    assertThat(deployment()).isNull();
  }

  @Test
  void tells_what_the_api_server_refuses() {
    // given
    var server =
        Specs.server(
            """
            apiVersion: lorax.dev/v1alpha1
            kind: LoraxServer
            metadata: {name: demo}
            spec:
              model: {pvc: {claimName: base}}
              shards: {device: cpu, resources: {limits: {memory: "-1"}}}
            """);

    // when
    client.resource(server).inNamespace(namespace).create();

    // then
    awaitReason("Invalid");
    assertThat(condition("Ready").getMessage())
        .contains("limits[memory]", "must be greater than or equal to 0");
  }

  @Test
  void leaves_a_deployment_of_somebody_else_alone_and_goes_on_once_it_is_gone() {
    // given
    var foreign = client.resource(FOREIGN).inNamespace(namespace).create();

    // when
    create("demo");

    // then
    awaitReason("NameTaken");
    assertThat(version(deployment())).isEqualTo(version(foreign));

    // when
    client.resource(foreign).delete();

    // then
    awaitReason("PodsPending");
    assertThat(deployment().getMetadata().getOwnerReferences()).hasSize(1);
  }

  @Test
  void server_is_gone_at_once_when_deleted() {
    // given
    create("demo");
    awaitReason("PodsPending");

    // when
    client.resource(server()).delete();

    // then
    soon().untilAsserted(() -> assertThat(server()).isNull());
  }

  private LoraxServer create(String name) {
    return client.resource(sample(name, "cpu")).inNamespace(namespace).create();
  }

  private static LoraxServer sample(String name, String device) {
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
            .formatted(name, device));
  }

  private void deploymentControllerHasRolledOut() {
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

  private LoraxServer server() {
    return client.resources(LoraxServer.class).inNamespace(namespace).withName("demo").get();
  }

  private Deployment deployment() {
    return client.resources(Deployment.class).inNamespace(namespace).withName("demo").get();
  }

  private Service service() {
    return client.resources(Service.class).inNamespace(namespace).withName("demo").get();
  }

  private void awaitReason(String reason) {
    soon().untilAsserted(() -> assertThat(condition("Ready").getReason()).isEqualTo(reason));
  }

  private Condition condition(String type) {
    assertThat(server().getStatus()).as("status of the server").isNotNull();
    return server().getStatus().conditions().stream()
        .filter(condition -> condition.getType().equals(type))
        .findFirst()
        .orElseThrow(() -> new AssertionError("no condition " + type));
  }

  private static String version(HasMetadata object) {
    return object.getMetadata().getResourceVersion();
  }

  private static ConditionFactory soon() {
    return await().atMost(Duration.ofSeconds(30)).pollInterval(Duration.ofMillis(100));
  }
}
