package dev.lorax.e2e.story;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.lorax.e2e.chat.ChatClient;
import dev.lorax.e2e.chat.DemoPrompts.Check;
import io.fabric8.kubernetes.api.model.Pod;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * A server is scaled, both replicas serve, no stream suffers when replicas go, and once the server
 * is deleted nothing is left of it.
 */
@Order(7)
@ExtendWith(StoryExtension.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class ScalingE2E {

  // A busy machine takes its time over the streams that run.
  private static final Duration REMOVAL_DEADLINE = Duration.ofMinutes(6);

  private static final String OWNED =
      "pods,services,endpointslices,deployments,replicasets,configmaps,loraxservers";
  private static final int ROUTER_PORT = 3000;
  private static final int STREAMS = 8;
  private static final String OTHER_PODS =
      "{\"spec\": {\"podTemplate\": {\"annotations\": {\"replaced\": \"once\"}}}}";

  /** Streams of a machine that has other things to do take longer than the minute of the sample. */
  private static final String TIME_TO_DRAIN = "{\"spec\": {\"drainTimeout\": \"10m\"}}";

  private final World world;
  private final Prompts prompts;

  ScalingE2E(World world) {
    this.world = world;
    this.prompts = new Prompts(world.config());
  }

  @BeforeAll
  void serve() {
    world.demo();
    world.kubectl("patch", "loraxserver", World.DEMO, "--type=merge", "-p", TIME_TO_DRAIN);
    world.awaitReady(World.DEMO);
  }

  @Test
  @Order(1)
  void both_replicas_serve_after_scaling_to_two() {
    // when
    world.kubectl("scale", "loraxserver", World.DEMO, "--replicas=2");
    List<Pod> pods = world.awaitReady(World.DEMO).pods();

    // then
    assertThat(pods).hasSize(2);
    Check check = prompts.showcase("pirate");
    for (Pod pod : pods) {
      ChatClient client =
          World.client(world.forward("pod/" + pod.getMetadata().getName(), ROUTER_PORT));
      assertThat(client.ask(check.question())).matches(check.expectation()::isMetBy);
    }
  }

  @Test
  @Order(2)
  void no_stream_is_cut_or_altered_when_replicas_go_and_are_replaced() {
    // given
    LoadInCluster load = LoadInCluster.start(world, World.DEMO, STREAMS);

    // when
    world.kubectl("scale", "loraxserver", World.DEMO, "--replicas=1");
    awaitPods(1);
    String before = world.server(World.DEMO).pods().getFirst().getMetadata().getName();
    world.kubectl("patch", "loraxserver", World.DEMO, "--type=merge", "-p", OTHER_PODS);
    world.awaitReady(World.DEMO);
    awaitPods(1);
    LoadInCluster.Outcome outcome = load.stop();

    // then
    assertThat(world.server(World.DEMO).pods().getFirst().getMetadata().getName())
        .isNotEqualTo(before);
    assertThat(outcome.wrong()).as(outcome.log()).isZero();
    assertThat(outcome.streams()).isGreaterThan(STREAMS);
    World.say("%d streams, none cut or altered".formatted(outcome.streams()));
  }

  /** Pods that stop count until they are gone. */
  private void awaitPods(int count) {
    await()
        .atMost(REMOVAL_DEADLINE)
        .untilAsserted(() -> assertThat(world.server(World.DEMO).pods()).hasSize(count));
  }

  @Test
  @Order(3)
  void nothing_is_left_of_a_server_that_was_deleted() {
    // when
    world.kubectl("delete", "loraxserver", World.DEMO);

    // then
    await()
        .atMost(REMOVAL_DEADLINE)
        .untilAsserted(() ->
            assertThat(
                    world.kubectl(
                        "get",
                        OWNED,
                        "--selector=app.kubernetes.io/instance=" + World.DEMO,
                        "--output=name"))
                .isEmpty());
    assertThat(world.kubectl("get", "pods", "--output=name").lines())
        .filteredOn(pod -> !pod.startsWith("pod/demo-models-"))
        .noneMatch(pod -> pod.startsWith("pod/" + World.DEMO + "-"));
  }
}
