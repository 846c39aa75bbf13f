package dev.lorax.e2e.story;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.api.model.Pod;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;

/** The operator's chart says whether it works, and is upgraded beside a server that runs. */
@Order(9)
@ExtendWith(StoryExtension.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class UpgradeE2E {

  private final World world;
  private final Replicas replicas;
  private final OperatorProcesses operator;

  UpgradeE2E(World world) {
    this.world = world;
    this.replicas = new Replicas(world, World.DEMO);
    this.operator = new OperatorProcesses(world);
  }

  @BeforeAll
  void serve() {
    world.demo();
    // What the stories before have left of other replicas is to be gone.
    replicas.eventually(() -> assertThat(replicas.names()).hasSize(1));
  }

  @Test
  @Order(1)
  void the_chart_s_own_test_passes() {
    assertThat(world.helm("test", "lorax-operator")).contains("Phase:          Succeeded");
  }

  @Test
  @Order(2)
  void an_upgraded_operator_touches_no_pod_and_takes_over() {
    // given
    List<String> before = processes();
    String leader = operator.leader();

    // when the same image by another name is a new one
    world.operator("image.repository=docker.io/lorax/operator");
    replicas.eventually(() -> assertThat(operator.leader()).isNotEqualTo(leader));
    replicas.patch(Replicas.NO_BUDGET);
    replicas.eventually(
        () -> assertThat(world.kubectl("get", "poddisruptionbudgets", "--output=name")).isEmpty());

    // then
    world.awaitReady(World.DEMO);
    assertThat(processes()).isEqualTo(before);
    replicas.patch(Replicas.OWN_BUDGET);
  }

  /** Each pod with how often its containers have started. */
  private List<String> processes() {
    return world.server(World.DEMO).pods().stream().map(UpgradeE2E::processes).sorted().toList();
  }

  private static String processes(Pod pod) {
    int restarts =
        pod.getStatus().getContainerStatuses().stream()
                .mapToInt(each -> each.getRestartCount())
                .sum()
            + pod.getStatus().getInitContainerStatuses().stream()
                .mapToInt(each -> each.getRestartCount())
                .sum();
    return pod.getMetadata().getUid() + " " + restarts;
  }
}
