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

/** A server is scaled, both replicas serve, and once it is deleted nothing is left of it. */
@Order(6)
@ExtendWith(StoryExtension.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class ScalingE2E {

  // Draining takes up to 60 s, the sample's drain timeout, beside what stopping takes.
  private static final Duration REMOVAL_DEADLINE = Duration.ofMinutes(3);

  private static final String OWNED =
      "pods,services,endpointslices,deployments,replicasets,configmaps,loraxservers";
  private static final int ROUTER_PORT = 3000;

  private final World world;
  private final Prompts prompts;

  ScalingE2E(World world) {
    this.world = world;
    this.prompts = new Prompts(world.config());
  }

  @BeforeAll
  void serve() {
    world.demo();
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
