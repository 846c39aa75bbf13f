package dev.lorax.launcher;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lorax.launcher.testing.LauncherProcess;
import dev.lorax.launcher.testing.LauncherTestCase;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** A launcher whose members run under agents, as they do in the containers of a pod. */
final class PodLauncherTest extends LauncherTestCase {

  private Process startInPod(int shards, String... options) {
    List<String> line = new ArrayList<>(List.of("--process-host", "pod"));
    line.addAll(List.of("--agent-dir", launcher().installedAgent().toString()));
    line.addAll(List.of("--num-shard", Integer.toString(shards)));
    line.addAll(List.of(options));
    return launcher().start(line.toArray(String[]::new));
  }

  private Process startAgents(int shards) {
    for (int index = 0; index < shards; index++) {
      launcher().startAgent("shard", index);
    }
    return launcher().startAgent("router", 0);
  }

  @Test
  void starts_members_in_the_containers_of_their_agents() throws Exception {
    // given
    startInPod(2);
    awaitPhase("ShardsLoading");
    assertThat(launcher().get("/ready/launcher").statusCode()).isEqualTo(200);
    assertThat(launcher().get("/attached/launcher").statusCode()).isEqualTo(200);
    assertThat(launcher().get("/attached/shard-1").statusCode()).isEqualTo(503);
    assertThat(launcher().get("/ready/shard-1").statusCode()).isEqualTo(503);

    // when
    startAgents(2);

    // then
    awaitPhase("Serving");
    assertThat(launcher().get("/attached/shard-1").statusCode()).isEqualTo(200);
    assertThat(launcher().get("/ready/shard-1").statusCode()).isEqualTo(200);
    assertThat(launcher().log()).contains("shard-1  weights loaded");
  }

  @Test
  void a_restarted_launcher_adopts_what_runs_and_watches_over_it() throws Exception {
    // given
    Process first = startInPod(2);
    startAgents(2);
    awaitPhase("Serving");
    List<String> before = launcher().diary();

    // when
    first.destroyForcibly().waitFor(10, TimeUnit.SECONDS);
    startInPod(2);

    // then
    eventually()
        .untilAsserted(() -> assertThat(launcher().log()).contains("adopted the running router"));
    awaitPhase("Serving");
    assertThat(launcher().diary()).isEqualTo(before);
    assertThat(launcher().status().path("epoch").asInt()).isEqualTo(1);

    // when
    LauncherProcess.kill(launcher().processIds("shard-0").getLast());

    // then
    eventually()
        .untilAsserted(() -> assertThat(launcher().status().path("epoch").asInt()).isEqualTo(2));
    awaitPhase("Serving");
    assertThat(launcher().processIds("shard-1")).hasSize(2);
    assertThat(launcher().processIds("router")).hasSize(1);
  }

  @Test
  void a_restarted_launcher_adopts_a_shard_that_is_still_loading() throws Exception {
    // given
    launcher().ask("shard-0-mute");
    Process first = startInPod(1);
    startAgents(1);
    eventually().untilAsserted(() -> assertThat(launcher().processIds("shard-0")).hasSize(1));

    // when
    first.destroyForcibly().waitFor(10, TimeUnit.SECONDS);
    startInPod(1);
    eventually()
        .untilAsserted(() -> assertThat(launcher().log()).contains("adopted the running shards"));
    awaitPhase("ShardsLoading");
    launcher().forget("shard-0-mute");
    LauncherProcess.kill(launcher().processIds("shard-0").getLast());

    // then
    awaitPhase("Serving");
    assertThat(launcher().status().path("epoch").asInt()).isEqualTo(2);
  }

  @Test
  void an_agent_that_is_told_to_stop_stops_its_member_and_ends() throws Exception {
    // given
    startInPod(1);
    Process agent = startAgents(1);
    awaitPhase("Serving");

    // when
    agent.destroy();

    // then
    awaitExit(agent, 0);
    assertThat(launcher().diary()).contains("router asked to stop", "router drained");
    assertThat(launcher().processIds("shard-0")).hasSize(1);
    assertThat(launcher().log())
        .contains("its container was told to stop; waiting for its return")
        .doesNotContain("router failed");

    // when
    launcher().startAgent("router", 0);

    // then
    awaitPhase("Serving");
    assertThat(launcher().processIds("router")).hasSize(2);
    assertThat(launcher().get("/metrics").body())
        .contains("lorax_launcher_restarts_total{role=\"router\",cause=\"left\"} 1");
    assertThat(launcher().status().has("last_failure")).isFalse();
  }

  @Test
  void a_pod_that_is_told_to_stop_ends_in_order_without_a_failure() throws Exception {
    // given the order of a kubelet: main container, then sidecars in reverse
    Process process = startInPod(2);
    Process first = launcher().startAgent("shard", 0);
    Process second = launcher().startAgent("shard", 1);
    Process router = launcher().startAgent("router", 0);
    awaitPhase("Serving");

    // when
    for (var container : List.of(router, second, first, process)) {
      container.destroy();
      awaitExit(container, 0);
    }

    // then
    assertThat(launcher().diary().stream().filter(line -> !line.contains("started")))
        .containsExactly(
            "router asked to stop",
            "router drained",
            "shard-1 asked to stop",
            "shard-0 asked to stop");
    assertThat(launcher().log()).doesNotContain(" ERROR ", " WARN ", "failed");
  }

  @Test
  void a_launcher_that_is_restarted_during_a_drain_lets_it_finish() throws Exception {
    // given
    launcher().ask("router-drains");
    Process first = startInPod(1);
    Process agent = startAgents(1);
    awaitPhase("Serving");
    agent.destroy();
    eventually()
        .untilAsserted(() -> assertThat(launcher().diary()).contains("router asked to stop"));

    // when
    first.destroyForcibly().waitFor(10, TimeUnit.SECONDS);
    startInPod(1, "--heartbeat-timeout", "1s");
    eventually()
        .untilAsserted(() -> assertThat(launcher().log()).contains("adopted the running router"));
    TimeUnit.SECONDS.sleep(2);
    launcher().forget("router-drains");

    // then
    awaitExit(agent, 0);
    assertThat(launcher().diary()).contains("router drained");
    assertThat(launcher().log()).doesNotContain("router failed");
  }

  @Test
  void a_new_epoch_starts_when_the_container_of_a_shard_is_restarted() throws Exception {
    // given
    startInPod(1);
    Process agent = launcher().startAgent("shard", 0);
    launcher().startAgent("router", 0);
    awaitPhase("Serving");

    // when
    agent.destroyForcibly().waitFor(10, TimeUnit.SECONDS);
    launcher().startAgent("shard", 0);

    // then
    eventually()
        .untilAsserted(() -> assertThat(launcher().status().path("epoch").asInt()).isEqualTo(2));
    awaitPhase("Serving");
  }

  @Test
  void one_agent_holds_all_shards_of_a_shared_container() throws Exception {
    // given
    Process process = startInPod(2, "--shard-placement", "SharedContainer");
    startAgents(1);
    awaitPhase("Serving");

    // when
    process.destroy();

    // then
    awaitExit(process, 0);
    assertThat(launcher().diary().stream().filter(line -> !line.contains("started")))
        .startsWith("router asked to stop", "router drained")
        .contains("shard-0 asked to stop", "shard-1 asked to stop");
  }
}
