package dev.lorax.launcher;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lorax.launcher.testing.LauncherProcess;
import dev.lorax.launcher.testing.LauncherTestCase;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Members that live but do not answer, wherever they run. */
final class HeartbeatTest extends LauncherTestCase {

  private static final Duration TIMEOUT = Duration.ofSeconds(4);

  private enum Host {
    LOCAL,
    POD
  }

  private Process serve(Host host) {
    String timeout = TIMEOUT.toSeconds() + "s";
    Process process =
        switch (host) {
          case LOCAL -> launcher().start("--num-shard", "2", "--heartbeat-timeout", timeout);
          case POD -> {
            launcher().startAgent("shard", 0);
            launcher().startAgent("shard", 1);
            launcher().startAgent("router", 0);
            yield startInPod(timeout);
          }
        };
    awaitPhase("Serving");
    return process;
  }

  private Process startInPod(String timeout) {
    return launcher()
        .start(
            "--process-host",
            "pod",
            "--agent-dir",
            launcher().installedAgent().toString(),
            "--num-shard",
            "2",
            "--heartbeat-timeout",
            timeout);
  }

  private void awaitEpoch(int epoch) {
    eventually()
        .untilAsserted(() ->
            assertThat(launcher().status().path("epoch").asInt())
                .as(launcher().log())
                .isEqualTo(epoch));
    awaitPhase("Serving");
  }

  @ParameterizedTest
  @EnumSource
  void a_frozen_shard_takes_its_group_into_a_new_epoch(Host host) {
    // given
    serve(host);
    long frozen = launcher().processIds("shard-1").getLast();

    // when
    LauncherProcess.signal("STOP", frozen);

    // then
    awaitEpoch(2);
    assertThat(ProcessHandle.of(frozen)).isEmpty();
    assertThat(launcher().diary()).doesNotContain("shard-0 asked to stop");
    assertThat(launcher().processIds("router")).hasSize(1);
    assertThat(launcher().status().at("/last_failure/reason").asText())
        .isEqualTo("shard-1 has not answered its health check for 4 s (no answer)");
  }

  @ParameterizedTest
  @EnumSource
  void a_frozen_router_alone_is_started_again(Host host) {
    // given
    serve(host);
    long frozen = launcher().processIds("router").getLast();

    // when
    LauncherProcess.signal("STOP", frozen);

    // then
    eventually().untilAsserted(() -> assertThat(launcher().processIds("router")).hasSize(2));
    awaitEpoch(1);
    assertThat(ProcessHandle.of(frozen)).isEmpty();
    assertThat(launcher().processIds("shard-0")).hasSize(1);
    assertThat(launcher().status().at("/restarts/router").asInt()).isEqualTo(1);
  }

  @ParameterizedTest
  @EnumSource
  void a_launcher_that_was_suspended_takes_nobody_for_hung(Host host) throws Exception {
    // given
    Process process = serve(host);

    // when
    LauncherProcess.signal("STOP", process.pid());
    TimeUnit.MILLISECONDS.sleep(TIMEOUT.toMillis() * 2);
    LauncherProcess.signal("CONT", process.pid());

    // then
    TimeUnit.MILLISECONDS.sleep(TIMEOUT.toMillis());
    awaitEpoch(1);
    assertThat(launcher().processIds("shard-0")).hasSize(1);
    assertThat(launcher().processIds("router")).hasSize(1);
  }

  @Test
  void a_frozen_agent_stops_nobody_from_serving_until_its_member_fails() throws Exception {
    // given
    launcher().startAgent("shard", 1);
    launcher().startAgent("router", 0);
    Process agent = launcher().startAgent("shard", 0);
    startInPod("4s");
    awaitPhase("Serving");

    // when
    LauncherProcess.signal("STOP", agent.pid());

    // then
    eventually()
        .untilAsserted(
            () -> assertThat(launcher().get("/attached/shard-0").statusCode()).isEqualTo(503));
    TimeUnit.MILLISECONDS.sleep(TIMEOUT.toMillis());
    awaitEpoch(1);

    // when
    LauncherProcess.kill(launcher().processIds("shard-0").getLast());

    // then
    eventually()
        .untilAsserted(() ->
            assertThat(launcher().status().at("/last_failure/reason").asText())
                .isEqualTo("shard-0 was lost: its agent went away"));

    // when
    LauncherProcess.signal("CONT", agent.pid());

    // then
    awaitEpoch(2);
  }
}
