package dev.lorax.e2e.story;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lorax.e2e.chat.ChatClient;
import dev.lorax.e2e.chat.DemoPrompts.Check;
import io.fabric8.kubernetes.api.model.Pod;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * A server is scaled and both replicas serve. Then replicas go and are replaced for every reason
 * that there is, and no stream suffers. Once the server is deleted nothing is left of it.
 */
@Order(10)
@ExtendWith(StoryExtension.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class ScalingE2E {

  private static final String OWNED =
      "pods,services,endpointslices,deployments,replicasets,configmaps,loraxservers";
  private static final int ROUTER_PORT = 3000;
  private static final int STREAMS = 8;

  /**
   * The minute of the sample is not enough for streams of a machine that has other things to do.
   */
  private static final String TIME_TO_DRAIN = "{\"spec\": {\"drainTimeout\": \"10m\"}}";

  /** The same images by another name, as if they were new ones. */
  private static final String NEW_IMAGES =
      """
      {"spec": {
        "router": {"image": "docker.io/lorax/router:0.1.0"},
        "shards": {"image": "docker.io/lorax/shard-cpu:0.1.0"},
        "launcher": {"image": "docker.io/lorax/launcher:0.1.0"}}}
      """;

  private final World world;
  private final Replicas replicas;
  private final OperatorProcesses operator;
  private final Prompts prompts;
  private @Nullable LoadInCluster load;

  ScalingE2E(World world) {
    this.world = world;
    this.replicas = new Replicas(world, World.DEMO);
    this.operator = new OperatorProcesses(world);
    this.prompts = new Prompts(world.config());
  }

  @BeforeAll
  void serve() {
    world.demo();
    replicas.patch(TIME_TO_DRAIN);
    world.awaitReady(World.DEMO);
  }

  @Test
  @Order(1)
  void both_replicas_serve_after_scaling_to_two() {
    // when
    replicas.scale(2);
    List<Pod> pods =
        world.awaitReady(World.DEMO).pods().stream()
            // Those of the change before may not be gone yet.
            .filter(pod -> pod.getMetadata().getDeletionTimestamp() == null)
            .toList();

    // then
    assertThat(pods).hasSize(2);
    Check check = prompts.showcase("pirate");
    for (Pod pod : pods) {
      ChatClient client =
          World.client(world.forward("pod/" + pod.getMetadata().getName(), ROUTER_PORT));
      assertThat(client.ask(check.question())).matches(check.expectation()::isMetBy);
    }
    load = LoadInCluster.start(world, World.DEMO, "questions.tsv", STREAMS);
  }

  @Test
  @Order(2)
  void a_node_is_drained_of_one_replica_after_the_other() throws InterruptedException {
    replicas.drainTheirNode();
  }

  @Test
  @Order(3)
  void the_leader_of_two_operators_is_killed_and_the_other_goes_on() {
    // given
    world.operator("replicas=2");
    String killed = operator.leader();

    // when
    operator.kill(killed);
    replicas.patch(Replicas.NO_BUDGET);

    // then
    world.awaitReady(World.DEMO);
    assertThat(operator.leader()).isNotEqualTo(killed);
    assertThat(world.kubectl("get", "poddisruptionbudgets", "--output=name")).isEmpty();
    world.operator("replicas=1");
  }

  @Test
  @Order(4)
  void a_replica_goes_when_the_server_is_scaled_down() {
    replicas.scale(1);
    replicas.eventually(() -> assertThat(replicas.names()).hasSize(1));
  }

  @Test
  @Order(5)
  void router_shard_launcher_and_operator_are_updated() {
    // given
    List<String> before = replicas.names();

    // when
    replicas.patch(NEW_IMAGES);
    operator.replace();

    // then
    replicas.awaitOthers(before, 1);
  }

  @Test
  @Order(6)
  void no_stream_was_refused_or_cut_or_altered_meanwhile() {
    LoadInCluster.Outcome outcome = Objects.requireNonNull(load).stop();
    outcome.assertRight();
    assertThat(outcome.streams()).isGreaterThan(STREAMS);
  }

  @Test
  @Order(7)
  void nothing_is_left_of_a_server_that_was_deleted() {
    // when
    world.kubectl("delete", "loraxserver", World.DEMO);

    // then
    replicas.eventually(() ->
        assertThat(
                world.kubectl("get", OWNED, "--selector=" + replicas.selector(), "--output=name"))
            .isEmpty());
    assertThat(world.kubectl("get", "pods", "--output=name").lines())
        .filteredOn(pod -> !pod.startsWith("pod/demo-models-"))
        .noneMatch(pod -> pod.startsWith("pod/" + World.DEMO + "-"));
  }
}
