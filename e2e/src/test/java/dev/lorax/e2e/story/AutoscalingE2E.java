package dev.lorax.e2e.story;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.lorax.crds.v1alpha1.LoraxServer;
import java.time.Duration;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;

/** A real HorizontalPodAutoscaler moves a server with the load that its routers tell of. */
@Order(8)
@ExtendWith(StoryExtension.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class AutoscalingE2E {

  private static final Duration DEADLINE = Duration.ofMinutes(4);

  /**
   * Time for streams of a machine that has other things to do, and a cache with room for about
   * eight short streams, of which each replica shall hold half.
   */
  private static final String AUTOSCALING =
      """
      {"spec": {
        "drainTimeout": "10m",
        "router": {"maxInputLength": 512, "maxTotalTokens": 640, "maxBatchTotalTokens": 640},
        "autoscaling": {"maxReplicas": 2, "targetCachePercent": 50, "scaleDownDelay": "10s"}}}
      """;

  private static final String NO_AUTOSCALING = "{\"spec\": {\"autoscaling\": null}}";

  private final World world;

  AutoscalingE2E(World world) {
    this.world = world;
  }

  @BeforeAll
  void serve() {
    world.demo();
    patch(AUTOSCALING);
    world.awaitReady(World.DEMO);
  }

  @AfterAll
  void stop() {
    patch(NO_AUTOSCALING);
  }

  @Test
  void replicas_follow_the_load_up_and_down() {
    // given: the metrics come through the API server, as everybody may ask for them
    await()
        .atMost(DEADLINE)
        .pollInterval(Duration.ofSeconds(2))
        .ignoreExceptions()
        .untilAsserted(
            () -> assertThat(world.podMetric("lorax_queue_length")).contains("\"value\":\"0m\""));

    // when
    LoadInCluster load = LoadInCluster.start(world, World.DEMO, "questions.tsv", 8);

    // then
    awaitReplicas(2);
    world.awaitReady(World.DEMO);

    // when
    LoadInCluster.Outcome outcome = load.stop();

    // then
    outcome.assertRight();
    awaitReplicas(1);
    await()
        .atMost(DEADLINE)
        .untilAsserted(() -> assertThat(world.server(World.DEMO).pods()).hasSize(1));
  }

  private void awaitReplicas(int count) {
    await()
        .atMost(DEADLINE)
        .pollInterval(Duration.ofSeconds(1))
        .untilAsserted(() -> assertThat(replicas()).as(this::autoscaler).isEqualTo(count));
  }

  private int replicas() {
    return world
        .client()
        .resources(LoraxServer.class)
        .inNamespace(World.NAMESPACE)
        .withName(World.DEMO)
        .require()
        .getSpec()
        .replicas();
  }

  /** Why it does what it does. */
  private String autoscaler() {
    return world.kubectl("describe", "horizontalpodautoscaler", World.DEMO);
  }

  private void patch(String change) {
    world.kubectl("patch", "loraxserver", World.DEMO, "--type=merge", "-p", change);
  }
}
