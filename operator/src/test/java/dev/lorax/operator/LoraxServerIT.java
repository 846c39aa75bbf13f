package dev.lorax.operator;

import static dev.lorax.operator.TestingServer.soon;
import static dev.lorax.operator.TestingServer.version;
import static org.assertj.core.api.Assertions.assertThat;

import dev.lorax.crds.v1alpha1.LoraxServer;
import dev.lorax.operator.server.manifest.Labels;
import dev.lorax.operator.server.plan.Specs;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.PersistentVolumeClaim;
import io.fabric8.kubernetes.api.model.PersistentVolumeClaimVolumeSource;
import io.fabric8.kubernetes.api.model.ServiceBuilder;
import io.fabric8.kubernetes.api.model.Volume;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.api.model.apps.DeploymentBuilder;
import io.fabric8.kubernetes.api.model.events.v1.Event;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.io.IOException;
import java.time.Clock;
import java.util.Objects;
import java.util.Set;
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

  private static final String OTHER_CACHE =
      "{\"spec\": {\"cache\": {\"newPvc\": null, \"pvc\": {\"claimName\": \"weights\"}}}}";

  private KubernetesClient client;
  private LoraxOperator operator;
  private String namespace;
  private TestingServer server;

  @BeforeEach
  void start(TestingApiServer.Access access) throws IOException {
    client = access.client();
    namespace = access.namespace();
    server = new TestingServer(client, namespace);
    operator = access.startOperator(server.namespace());
  }

  @AfterEach
  void stop() {
    operator.close();
    client.close();
  }

  @Test
  void makes_a_deployment_and_a_service_that_go_with_the_server() {
    // when
    LoraxServer made = server.create();

    // then
    soon().untilAsserted(() -> assertThat(server.service()).isNotNull());
    soon().untilAsserted(() -> assertThat(server.deployment()).isNotNull());
    for (HasMetadata owned : new HasMetadata[] {server.deployment(), server.service()}) {
      var owners = owned.getMetadata().getOwnerReferences();
      assertThat(owners).hasSize(1);
      assertThat(owners.getFirst().getUid()).isEqualTo(made.getMetadata().getUid());
      assertThat(owners.getFirst().getController()).isTrue();
      assertThat(owners.getFirst().getBlockOwnerDeletion()).isTrue();
    }
    assertThat(made.getMetadata().getFinalizers()).isEmpty();
  }

  @Test
  void writes_nothing_when_nothing_has_changed() {
    // given
    server.create();
    server.awaitReason("PodsPending");
    String serviceVersion = version(server.service());

    // when: somebody else touches the Deployment, so that the server is reconciled again
    client
        .resource(server.deployment())
        .edit(found ->
            new DeploymentBuilder(found)
                .editMetadata()
                .addToAnnotations("somebody", "else")
                .endMetadata()
                .build());
    String deploymentVersion = version(server.deployment());
    new TestingPod(client, namespace, "demo").create();
    server.awaitReason("PodStarting");

    // then: reconciles of one server follow each other, so the one that saw the pod came last
    assertThat(version(server.deployment())).isEqualTo(deploymentVersion);
    assertThat(version(server.service())).isEqualTo(serviceVersion);
  }

  @Test
  void a_new_operator_process_writes_nothing_for_servers_that_are_as_planned(
      TestingApiServer.Access access) throws IOException {
    // given
    server.create();
    server.awaitReason("PodsPending");
    String deploymentVersion = version(server.deployment());
    String serviceVersion = version(server.service());

    // when
    operator.close();
    operator =
        LoraxOperator.start(
            new OperatorConfig(Specs.IMAGES, Set.of(namespace), null, "second", 0, null),
            access.operatorClient(),
            Clock.systemUTC(),
            () -> {});
    new TestingPod(client, namespace, "demo").create();
    server.awaitReason("PodStarting");

    // then
    assertThat(version(server.deployment())).isEqualTo(deploymentVersion);
    assertThat(version(server.service())).isEqualTo(serviceVersion);
  }

  @Test
  void makes_the_claim_that_replicas_share_and_keeps_it_when_another_cache_is_named() {
    // given
    var shared =
        Specs.server(
            """
            apiVersion: lorax.dev/v1alpha1
            kind: LoraxServer
            metadata: {name: demo}
            spec:
              model: {hub: {id: org/base}}
              shards: {device: cpu}
              cache: {newPvc: {storage: 10Gi, accessMode: ReadWriteMany}}
            """);

    // when
    client.resource(shared).inNamespace(namespace).create();

    // then
    soon().untilAsserted(() -> assertThat(cacheClaim()).isNotNull());
    assertThat(cacheClaim().getMetadata().getOwnerReferences()).hasSize(1);
    assertThat(cacheClaim().getSpec().getAccessModes()).containsExactly("ReadWriteMany");

    // when
    server.patch(OTHER_CACHE);

    // then
    soon()
        .untilAsserted(() ->
            assertThat(server.deployment().getSpec().getTemplate().getSpec().getVolumes())
                .extracting(Volume::getPersistentVolumeClaim)
                .filteredOn(Objects::nonNull)
                .extracting(PersistentVolumeClaimVolumeSource::getClaimName)
                .contains("weights"));
    assertThat(cacheClaim()).isNotNull();
  }

  private PersistentVolumeClaim cacheClaim() {
    return client.persistentVolumeClaims().inNamespace(namespace).withName("demo-cache").get();
  }

  @Test
  void scale_subresource_changes_the_deployment_and_names_the_pods() {
    // given
    server.create();
    server.awaitReason("PodsPending");

    // when
    client.resource(server.get()).scale(3);

    // then
    soon()
        .untilAsserted(() -> assertThat(server.deployment().getSpec().getReplicas()).isEqualTo(3));
    assertThat(server.get().getSpec().replicas()).isEqualTo(3);
    assertThat(server.get().getStatus().selector())
        .isEqualTo("app.kubernetes.io/instance=demo,app.kubernetes.io/name=lorax-server");
  }

  @Test
  void tells_how_far_a_pod_has_come() {
    // given
    server.create();
    server.awaitReason("PodsPending");
    var pod = new TestingPod(client, namespace, "demo").create();

    // when, then
    pod.launcherRuns();
    server.awaitReason("Downloading");
    pod.modelIsCached();
    server.awaitReason("ShardsLoading");
    pod.shardsAreReady();
    server.awaitReason("RouterStarting");
    pod.routerIsReady();
    server.awaitReason("RollingOut");
    server.deploymentControllerHasRolledOut();
    server.awaitReason("Ready");
    assertThat(server.condition("Ready").getStatus()).isEqualTo("True");
    assertThat(server.condition("Ready").getObservedGeneration()).isEqualTo(1);
    assertThat(server.get().getStatus().adaptersReady()).isEqualTo("3/3");
  }

  @Test
  void tells_the_last_words_of_a_container_that_crashes() {
    // given
    server.create();
    server.awaitReason("PodsPending");
    var pod = new TestingPod(client, namespace, "demo").create();

    // when
    pod.launcherCrashes(
        1, "ModelNotFound: model file /models/none.gguf: expected a file, got nothing");

    // then
    server.awaitReason("ModelNotFound");
    assertThat(server.condition("Ready").getMessage())
        .contains("launcher", "model file /models/none.gguf: expected a file, got nothing");
    soon()
        .untilAsserted(() ->
            assertThat(client.resources(Event.class).inNamespace(namespace).list().getItems())
                .anySatisfy(event -> {
                  assertThat(event.getReason()).isEqualTo("ModelNotFound");
                  assertThat(event.getType()).isEqualTo("Warning");
                  assertThat(event.getRegarding().getName()).isEqualTo("demo");
                }));
  }

  @Test
  void refuses_a_spec_that_this_operator_cannot_serve() {
    // given
    var asked = TestingServer.sample("cuda");

    // when
    client.resource(asked).inNamespace(namespace).create();

    // then
    server.awaitReason("ShardImageMissing");
    assertThat(server.condition("Ready").getMessage()).contains("set spec.shards.image");
    assertThat(server.deployment()).isNull();
  }

  @Test
  void tells_what_the_api_server_refuses() {
    // given
    var asked =
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
    client.resource(asked).inNamespace(namespace).create();

    // then
    server.awaitReason("Invalid");
    assertThat(server.condition("Ready").getMessage())
        .contains("limits[memory]", "must be greater than or equal to 0");
  }

  @Test
  void leaves_a_deployment_of_somebody_else_alone_and_goes_on_once_it_is_gone() {
    // given
    var foreign = client.resource(FOREIGN).inNamespace(namespace).create();

    // when
    server.create();

    // then
    server.awaitReason("NameTaken");
    assertThat(version(server.deployment())).isEqualTo(version(foreign));

    // when
    client.resource(foreign).delete();

    // then
    server.awaitReason("PodsPending");
    assertThat(server.deployment().getMetadata().getOwnerReferences()).hasSize(1);
  }

  @Test
  void takes_back_a_service_that_lost_the_label_by_which_it_is_watched() {
    // given
    server.create();
    server.awaitReason("PodsPending");
    String uid = server.service().getMetadata().getUid();

    // when
    client
        .resource(server.service())
        .edit(found ->
            new ServiceBuilder(found)
                .editMetadata()
                .addToLabels(Labels.MANAGED_BY, "somebody")
                .endMetadata()
                .build());

    // then
    soon()
        .untilAsserted(() ->
            assertThat(server.service().getMetadata().getLabels())
                .containsEntry(Labels.MANAGED_BY, "lorax-operator"));
    assertThat(server.service().getMetadata().getUid()).isEqualTo(uid);
    assertThat(server.condition("Ready").getReason()).isEqualTo("PodsPending");
  }

  @Test
  void server_is_gone_at_once_when_deleted() {
    // given
    server.create();
    server.awaitReason("PodsPending");

    // when
    client.resource(server.get()).delete();

    // then
    soon().untilAsserted(() -> assertThat(server.get()).isNull());
  }
}
