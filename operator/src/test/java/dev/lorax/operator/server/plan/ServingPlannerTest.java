package dev.lorax.operator.server.plan;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lorax.operator.server.manifest.DeploymentManifest;
import dev.lorax.operator.server.plan.ServingPlan.ShardContainerPlan;
import io.fabric8.kubernetes.api.model.Quantity;
import java.time.Duration;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class ServingPlannerTest {

  @Test
  void gives_each_cpu_shard_a_container_of_its_own() {
    // given
    var spec = "shards: {device: cpu, count: 2, resources: {requests: {cpu: 500m}}}";

    // when
    var plan = planned(spec);

    // then
    assertThat(plan.shardContainers())
        .extracting(ShardContainerPlan::name)
        .containsExactly("shard-0", "shard-1");
    assertThat(plan.shardContainers())
        .allSatisfy(
            shard -> assertThat(shard.resources().requests()).containsEntry("cpu", amount("500m")));
    assertThat(plan.peerAccess().available()).isTrue();
  }

  @Test
  void puts_gpu_shards_into_one_container_that_gets_the_sum_of_their_resources() {
    // given
    var spec =
        "shards: {count: 4, image: x, resources: {requests: {cpu: 1500m}, limits: {memory: 8Gi}}}";

    // when
    var plan = planned(spec);

    // then
    assertThat(plan.shardContainers()).hasSize(1);
    var resources = plan.shardContainers().getFirst().resources();
    assertThat(resources.requests()).containsEntry("cpu", amount("6"));
    assertThat(resources.limits())
        .containsEntry("memory", amount("32Gi"))
        .containsEntry("nvidia.com/gpu", amount("4"));
    assertThat(plan.launcher().arguments())
        .containsSequence("--shard-placement", "SharedContainer");
  }

  @Test
  void says_that_gpus_apart_cannot_see_each_other() {
    // when
    var plan = planned("shards: {count: 2, image: x, placement: PerContainer}");

    // then
    assertThat(plan.peerAccess().available()).isFalse();
    assertThat(plan.peerAccess().reason()).isEqualTo("DevicesIsolated");
  }

  @Test
  void adds_no_gpu_where_a_part_of_one_is_asked_for() {
    // when
    var plan = planned("shards: {image: x, resources: {limits: {nvidia.com/mig-1g.10gb: 1}}}");

    // then
    assertThat(plan.shardContainers().getFirst().resources().limits())
        .containsOnlyKeys("nvidia.com/mig-1g.10gb");
  }

  @Test
  void mounts_a_claim_once_where_model_and_adapters_share_it() {
    // when
    var plan = planned("shards: {device: cpu}\nadapters: {pvc: {claimName: base, path: lora}}");

    // then
    assertThat(plan.claims()).hasSize(1);
    assertThat(plan.launcher().arguments()).containsSequence("--adapter-root", "/models/lora");
  }

  @Test
  void gives_the_pod_time_for_propagation_draining_and_stopping() {
    // when
    var plan = planned("shards: {device: cpu}\ndrainTimeout: 1m40s");

    // then
    assertThat(plan.termination().grace()).isEqualTo(Duration.ofSeconds(125));
  }

  @ParameterizedTest
  @CsvSource({
    "cpu,  ,  , 1, 0",
    "cuda, ,  , 0, 1",
    "cpu,  0, , 0, 1",
    "cuda, 2, , 2, 0",
    "cpu,  , 2, 0, 2",
    "cuda, , 0, 1, 0",
    "cuda, 1, 1, 1, 1"
  })
  void replaces_pods_as_asked_and_else_as_the_devices_allow(
      String device, Integer surge, Integer unavailable, int plannedSurge, int plannedUnavailable) {
    // given
    var spec =
        """
        shards: {device: %s, image: x}
        rollout: {maxSurge: %s, maxUnavailable: %s}
        """
            .formatted(device, surge, unavailable);

    // when
    var rollout = planned(spec).rollout();

    // then
    assertThat(rollout.maxSurge()).isEqualTo(plannedSurge);
    assertThat(rollout.maxUnavailable()).isEqualTo(plannedUnavailable);
  }

  @ParameterizedTest
  @CsvSource({"null, null, 4, 80", "7, null, 7, ", "null, 100, , 100", "1, 50, 1, 50"})
  void scales_by_what_is_asked_for_and_else_by_both_signals(
      String queueLength, String cachePercent, Integer plannedLength, Integer plannedPercent) {
    // given
    var spec =
        """
        shards: {device: cpu}
        autoscaling: {maxReplicas: 2, targetQueueLength: %s, targetCachePercent: %s}
        """
            .formatted(queueLength, cachePercent);

    // when
    var scaling = Objects.requireNonNull(planned(spec).autoscaling());

    // then
    assertThat(scaling.queueLength()).isEqualTo(plannedLength);
    assertThat(scaling.cachePercent()).isEqualTo(plannedPercent);
  }

  @Test
  void lets_shards_that_share_a_claim_have_containers_of_their_own() {
    // when
    var plan =
        planned("shards: {count: 2, image: x, deviceClaim: {template: {name: linked-gpus}}}");

    // then
    assertThat(plan.shardContainers()).hasSize(2);
    assertThat(plan.shardContainers())
        .allSatisfy(shard -> assertThat(shard.resources().limits()).isEmpty());
    assertThat(plan.devices()).isEqualTo(new ServingPlan.DevicesPlan("linked-gpus", null));
    assertThat(plan.peerAccess().reason()).isEqualTo("SharedClaim");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "replicas: 5",
        "rollout: {maxSurge: 3, paused: true}",
        "disruptionBudget: {mode: None}",
        "autoscaling: {maxReplicas: 3}",
        "service: {type: NodePort, port: 80, annotations: {a: b}}"
      })
  void replaces_no_pod_for_what_is_not_in_pods(String change) {
    // given
    var before = planned("shards: {device: cpu}");

    // when
    var after = planned("shards: {device: cpu}\n" + change);

    // then
    assertThat(after).isNotEqualTo(before);
    assertThat(DeploymentManifest.of(after).getSpec().getTemplate())
        .isEqualTo(DeploymentManifest.of(before).getSpec().getTemplate());
  }

  @Test
  void refuses_a_device_without_an_image_and_says_what_to_set() {
    // when
    var problems = refused("shards: {device: cuda}");

    // then
    assertThat(problems.problems())
        .extracting(PlanProblem::code)
        .containsExactly(PlanProblem.Code.SHARD_IMAGE_MISSING);
    assertThat(problems.problems().getFirst().message())
        .contains("device cuda", "set spec.shards.image");
  }

  @Test
  void refuses_launcher_arguments_that_it_sets_itself_and_names_the_field() {
    // when
    var problems =
        refused(
            "shards: {device: cpu}\nlauncher: {args: [--num-shard=4, --port, '80', --max-best-of]}");

    // then
    assertThat(problems.problems())
        .extracting(PlanProblem::message)
        .containsExactly(
            "spec.launcher.args names --num-shard, which the operator sets itself:"
                + " set spec.shards.count instead",
            "spec.launcher.args names --port, which the operator sets itself: remove it");
  }

  @Test
  void refuses_requests_above_limits() {
    // when
    var problems =
        refused(
            "shards: {device: cpu}\n"
                + "router: {resources: {requests: {memory: 2Gi}, limits: {memory: 1Gi}}}");

    // then
    assertThat(problems.problems().getFirst().message())
        .isEqualTo(
            "spec.router.resources requests more memory than its limit:"
                + " expected at most 1Gi, got 2Gi");
  }

  private static ServingPlan planned(String spec) {
    return Specs.planned(Specs.server(server(spec)));
  }

  private static Planning.Refused refused(String spec) {
    return switch (Specs.plan(Specs.server(server(spec)))) {
      case Planning.Refused refused -> refused;
      case Planning.Planned planned -> throw new AssertionError(planned);
    };
  }

  private static String server(String spec) {
    return """
    metadata: {name: demo, namespace: models, uid: u}
    spec:
      model: {pvc: {claimName: base}}
    """
        + spec.indent(2);
  }

  private static Quantity amount(String text) {
    return new Quantity(text);
  }
}
