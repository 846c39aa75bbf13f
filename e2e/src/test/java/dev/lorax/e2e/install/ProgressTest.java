package dev.lorax.e2e.install;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.api.model.Condition;
import io.fabric8.kubernetes.api.model.ConditionBuilder;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import java.util.List;
import org.junit.jupiter.api.Test;

final class ProgressTest {

  private static final List<Condition> NOT_READY =
      List.of(
          new ConditionBuilder()
              .withType("Ready")
              .withReason("RouterStarting")
              .withMessage("1 of 2 replicas answer")
              .build());

  @Test
  void waits_for_a_pod_where_there_is_none() {
    assertThat(progress())
        .isEqualTo(
            new Progress(
                "waiting for the operator to make the pod",
                List.of("launcher", "shards", "router")));
  }

  @Test
  void says_why_a_pod_has_no_node() {
    Pod pod =
        new PodBuilder()
            .withNewStatus()
            .addNewCondition()
            .withType("PodScheduled")
            .withStatus("False")
            .withMessage("Insufficient nvidia.com/gpu")
            .endCondition()
            .endStatus()
            .build();
    assertThat(progress(pod).doing()).isEqualTo("scheduling the pod: Insufficient nvidia.com/gpu");
  }

  @Test
  void follows_the_containers_in_their_order() {
    assertThat(progress(Pods.of("?", "?", "?", "?")).doing()).startsWith("making the pod");
    assertThat(progress(Pods.of("-", "?", "?", "?")).doing()).startsWith("launcher:");
    assertThat(progress(Pods.of("+", "-", "+", "?")).doing())
        .isEqualTo("shards: loading the model, 1 of 2 done");
    assertThat(progress(Pods.of("+", "+", "+", "-")).doing()).startsWith("router:");
  }

  @Test
  void says_what_is_left() {
    assertThat(progress(Pods.of("-", "?", "?", "?")).left()).containsExactly("shards", "router");
    assertThat(progress(Pods.of("+", "+", "+", "-")).left()).isEmpty();
  }

  @Test
  void gives_the_condition_once_all_containers_are_ready() {
    assertThat(progress(Pods.of("+", "+", "+")).doing())
        .isEqualTo("waiting for the condition Ready: 1 of 2 replicas answer (RouterStarting)");
  }

  @Test
  void tells_of_the_replica_that_is_furthest_behind() {
    List<Pod> pods = List.of(Pods.of("+", "+", "+"), Pods.of("+", "-", "?"));
    assertThat(Progress.of(NOT_READY, pods, 2).doing()).startsWith("shards:");
    assertThat(Progress.of(NOT_READY, pods.subList(0, 1), 2).doing()).contains("pod 2 of 2");
  }

  private static Progress progress(Pod... pods) {
    return Progress.of(NOT_READY, List.of(pods), 1);
  }
}
