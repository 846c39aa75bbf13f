package dev.lorax.launcher;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lorax.launcher.testing.LauncherProcess;
import dev.lorax.launcher.testing.LauncherTestCase;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** The whole life of a launcher whose members are its child processes. */
final class LocalLauncherTest extends LauncherTestCase {

  @Test
  void serves_with_two_shards_and_stops_the_router_first() throws Exception {
    // given
    Process process = launcher().start("--num-shard", "2");
    awaitPhase("Serving");

    // when
    process.destroy();

    // then
    awaitExit(process, 0);
    assertThat(launcher().diary().stream().filter(line -> !line.contains("started")))
        .startsWith("router asked to stop", "router drained")
        .contains("shard-0 asked to stop", "shard-1 asked to stop");
    assertThat(launcher().sockets()).doesNotExist();
    assertThat(launcher().log()).contains("shard-0  weights loaded", "a line that is no JSON");
  }

  @Test
  void starts_a_new_epoch_when_a_shard_is_killed_and_keeps_the_router() throws Exception {
    // given
    launcher().start("--num-shard", "2");
    awaitPhase("Serving");
    List<Long> shards = launcher().processIds("shard-0");

    // when
    LauncherProcess.kill(launcher().processIds("shard-1").getLast());

    // then
    eventually()
        .untilAsserted(() -> assertThat(launcher().status().path("epoch").asInt()).isEqualTo(2));
    awaitPhase("Serving");
    assertThat(launcher().processIds("router")).hasSize(1);
    assertThat(launcher().processIds("shard-0")).hasSize(2).startsWith(shards.getFirst());
    assertThat(launcher().sockets().resolve("current").toRealPath()).endsWith(Path.of("epoch-2"));
    assertThat(launcher().get("/metrics").body())
        .contains("lorax_launcher_restarts_total{role=\"shard\",cause=\"signal\"} 1")
        .contains("lorax_launcher_start_seconds{phase=\"ShardsLoading\"}");
  }

  @Test
  void serves_again_after_a_new_epoch_only_when_the_router_says_so() {
    // given
    launcher().start();
    awaitPhase("Serving");
    launcher().ask("router-unready");

    // when
    LauncherProcess.kill(launcher().processIds("shard-0").getLast());

    // then
    eventually()
        .untilAsserted(() -> assertThat(launcher().log()).contains("all shards ready  epoch=2"));
    assertThat(launcher().status().path("phase").asText()).isEqualTo("RouterStarting");
    assertThat(launcher().status().path("message").asText())
        .isEqualTo("waiting for the router to be connected to the shards");

    // when
    launcher().forget("router-unready");

    // then
    awaitPhase("Serving");
    assertThat(launcher().processIds("router")).hasSize(1);
  }

  @Test
  void starts_only_the_router_again_when_the_router_dies() {
    // given
    launcher().start();
    awaitPhase("Serving");

    // when
    LauncherProcess.kill(launcher().processIds("router").getLast());

    // then
    eventually().untilAsserted(() -> assertThat(launcher().processIds("router")).hasSize(2));
    awaitPhase("Serving");
    assertThat(launcher().processIds("shard-0")).hasSize(1);
    assertThat(launcher().status().at("/restarts/router").asInt()).isEqualTo(1);
  }

  @Test
  void gives_the_shards_own_reason_when_they_cannot_start() throws Exception {
    // given
    launcher().ask("shard-0-fails");

    // when
    Process process = launcher().start("--termination-log", terminationLog().toString());

    // then
    awaitExit(process, 1);
    assertThat(terminationLog())
        .hasContent(
            "ShardFailed: shard-0 exited with code 1: ValueError: model type gpt_neo is not supported");
    assertThat(launcher().started("shard-0")).hasSize(1);
  }

  @Test
  void gives_up_when_restarts_do_not_help() throws Exception {
    // given
    Process process =
        launcher().start("--max-restarts", "2", "--termination-log", terminationLog().toString());
    awaitPhase("Serving");
    launcher().ask("shard-0-fails");

    // when
    LauncherProcess.kill(launcher().processIds("shard-0").getLast());

    // then
    awaitExit(process, 1);
    assertThat(terminationLog())
        .content()
        .startsWith(
            "ShardFailed: gave up after 2 restarts within 600 s: shard-0 exited with code 1")
        .endsWith("ValueError: model type gpt_neo is not supported");
    assertThat(launcher().diary()).contains("router asked to stop");
  }

  @Test
  void starts_again_after_a_crash_during_the_first_start() {
    // given
    launcher().ask("shard-0-mute");
    launcher().start("--num-shard", "2");
    awaitPhase("ShardsLoading");
    eventually().untilAsserted(() -> assertThat(launcher().processIds("shard-0")).hasSize(1));
    launcher().forget("shard-0-mute");

    // when
    LauncherProcess.kill(launcher().processIds("shard-0").getLast());

    // then
    awaitPhase("Serving");
    assertThat(launcher().status().path("epoch").asInt()).isEqualTo(2);
    assertThat(launcher().status().at("/last_failure/reason").asText())
        .isEqualTo("shard-0 was ended by SIGKILL");
    assertThat(launcher().status().at("/last_failure/code").asText()).isEqualTo("ShardFailed");
  }

  @Test
  void gives_the_routers_own_reason_when_it_cannot_start() throws Exception {
    // given
    launcher().ask("router-fails");

    // when
    Process process = launcher().start("--termination-log", terminationLog().toString());

    // then
    awaitExit(process, 1);
    assertThat(terminationLog()).content().startsWith("RouterFailed: router exited with code 1: ");
    assertThat(launcher().processIds("router")).hasSize(1);
  }

  @Test
  void does_not_wait_for_a_shard_beyond_the_startup_timeout() throws Exception {
    // given
    launcher().ask("shard-0-mute");

    // when
    Process process =
        launcher()
            .start(
                "--startup-timeout",
                "2s",
                "--max-restarts",
                "1",
                "--termination-log",
                terminationLog().toString());

    // then
    awaitExit(process, 1);
    assertThat(terminationLog())
        .hasContent(
            "StartTimedOut: gave up after 1 restart within 600 s: shard-0 was not ready within 2 s");
  }

  @Test
  void a_second_signal_ends_the_drain() throws Exception {
    // given
    launcher().ask("router-drains");
    launcher().ask("shard-0-deaf");
    Process process = launcher().start();
    awaitPhase("Serving");
    process.destroy();
    eventually()
        .untilAsserted(() -> assertThat(launcher().diary()).contains("router asked to stop"));

    // when
    process.destroy();

    // then
    awaitExit(process, 0);
    assertThat(launcher().diary()).doesNotContain("router drained");
    assertThat(launcher().processIds("shard-0"))
        .allSatisfy(pid -> assertThat(ProcessHandle.of(pid)).isEmpty());
    assertThat(launcher().sockets()).doesNotExist();
  }

  @Test
  void cleans_up_after_a_launcher_that_was_killed() throws Exception {
    // given
    Process killed = launcher().start();
    awaitPhase("Serving");
    killed.destroyForcibly().waitFor(10, TimeUnit.SECONDS);
    assertThat(launcher().sockets().resolve("epoch-1")).exists();

    // when
    Process next = launcher().start();
    awaitPhase("Serving");

    // then
    assertThat(launcher().sockets().resolve("epoch-1")).doesNotExist();
    next.destroy();
    awaitExit(next, 0);
    assertThat(launcher().sockets()).doesNotExist();
  }

  @Test
  void leaves_a_socket_folder_that_was_there_before() throws Exception {
    // given
    Files.createDirectories(launcher().sockets());
    Process process = launcher().start();
    awaitPhase("Serving");

    // when
    process.destroy();

    // then
    awaitExit(process, 0);
    assertThat(launcher().sockets()).isEmptyDirectory();
  }

  @Test
  void children_end_with_a_launcher_that_is_killed() throws Exception {
    // given
    Process process = launcher().start();
    awaitPhase("Serving");

    // when
    process.destroyForcibly().waitFor(10, TimeUnit.SECONDS);

    // then
    eventually()
        .untilAsserted(() ->
            assertThat(launcher().processIds("shard-0"))
                .allSatisfy(pid -> assertThat(ProcessHandle.of(pid)).isEmpty()));
  }
}
