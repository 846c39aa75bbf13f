package dev.lorax.e2e.story;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;
import static org.awaitility.Awaitility.await;

import io.fabric8.kubernetes.api.model.Condition;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.Quantity;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Devices of a device plugin: shards get theirs, a server that finds none left says so, and so does
 * a shard that cannot use what it got.
 */
@Order(7)
@ExtendWith(StoryExtension.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class DeviceE2E {

  private static final String FIRST = "with-devices";
  private static final String SECOND = "without-devices";
  private static final String DEVICE = "nvidia.com/gpu";

  /** A pod that starts, and a shard that imports PyTorch before it looks for its device. */
  private static final Duration DEADLINE = Duration.ofMinutes(4);

  private final World world;

  DeviceE2E(World world) {
    this.world = world;
  }

  @BeforeAll
  void askForMoreThanThereAre() {
    assumeThat(world.isOurs() || devicesOfNodes() == World.DEVICES)
        .as("nodes with %d devices between them", World.DEVICES)
        .isTrue();
    world.apply("devices.yaml");
    await().atMost(DEADLINE).untilAsserted(() -> assertThat(scheduled()).hasSize(1));
  }

  @AfterAll
  void delete() {
    world.kubectl("delete", "loraxserver", FIRST, SECOND, "--ignore-not-found");
  }

  @Test
  @Order(1)
  void shards_that_share_a_container_share_all_its_devices() {
    // given
    Pod pod = scheduled().getFirst();

    // then
    assertThat(pod.getSpec().getInitContainers())
        .filteredOn(container -> container.getName().equals("shards"))
        .singleElement()
        .satisfies(shards ->
            assertThat(shards.getResources().getLimits()).containsEntry(DEVICE, new Quantity("2")));
    await()
        .atMost(DEADLINE)
        .ignoreExceptions()
        .untilAsserted(() ->
            assertThat(devicesIn(pod).split(",")).hasSize(World.DEVICES).doesNotHaveDuplicates());
    assertThat(condition(owner(pod), "PeerAccess").getReason()).isEqualTo("SharedContainer");
  }

  @Test
  @Order(2)
  void a_server_that_finds_no_device_left_says_which_and_that_somebody_must_act() {
    String waiting = other(owner(scheduled().getFirst()));
    await()
        .atMost(DEADLINE)
        .untilAsserted(() -> {
          Condition ready = condition(waiting, "Ready");
          assertThat(ready.getReason()).isEqualTo("Unschedulable");
          assertThat(ready.getMessage()).contains("Insufficient " + DEVICE);
          assertThat(condition(waiting, "Degraded").getStatus()).isEqualTo("True");
        });
  }

  @Test
  @Order(3)
  void a_shard_image_that_cannot_use_its_devices_is_told() {
    String lucky = owner(scheduled().getFirst());
    await()
        .atMost(DEADLINE)
        .untilAsserted(() -> {
          Condition ready = condition(lucky, "Ready");
          assertThat(ready.getReason()).isEqualTo("NoDevice");
          assertThat(ready.getMessage()).contains("without CUDA");
        });
  }

  @Test
  @Order(4)
  void devices_that_are_given_back_go_to_the_server_that_waits() {
    // given
    String lucky = owner(scheduled().getFirst());

    // when
    world.kubectl("delete", "loraxserver", lucky);

    // then
    await()
        .atMost(DEADLINE)
        .untilAsserted(() -> {
          assertThat(scheduled()).extracting(this::owner).containsExactly(other(lucky));
          assertThat(condition(other(lucky), "Ready").getReason()).isNotEqualTo("Unschedulable");
        });
  }

  /** Pods of both servers that a node has taken. */
  private List<Pod> scheduled() {
    return List.of(FIRST, SECOND).stream()
        .flatMap(server -> world.server(server).pods().stream())
        .filter(pod -> pod.getSpec().getNodeName() != null)
        .toList();
  }

  private String owner(Pod pod) {
    return String.valueOf(pod.getMetadata().getLabels().get("app.kubernetes.io/instance"));
  }

  private static String other(String server) {
    return server.equals(FIRST) ? SECOND : FIRST;
  }

  private Condition condition(String server, String type) {
    return world
        .server(server)
        .condition(type)
        .orElseThrow(() -> new AssertionError("no condition %s yet".formatted(type)));
  }

  /** What the device plugin put into the environment of the shards' container. */
  private String devicesIn(Pod pod) {
    String name = pod.getMetadata().getName();
    return world
        .kubectl("exec", name, "--container=shards", "--", "printenv", "NVIDIA_VISIBLE_DEVICES")
        .strip();
  }

  private int devicesOfNodes() {
    return world.client().nodes().list().getItems().stream()
        .map(node -> node.getStatus().getAllocatable().get(DEVICE))
        .filter(quantity -> quantity != null)
        .mapToInt(quantity -> quantity.getNumericalAmount().intValue())
        .sum();
  }
}
