package dev.lorax.launcher;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.lorax.launcher.testing.LauncherProcess;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.awaitility.core.ConditionFactory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The whole life of a launcher whose members are its child processes. */
final class LocalLauncherTest {

  @TempDir private Path home;
  private LauncherProcess launcher;

  @BeforeEach
  void prepare() throws IOException {
    launcher = new LauncherProcess(home);
  }

  @AfterEach
  void end() throws InterruptedException {
    launcher.close();
  }

  @Test
  void serves_with_two_shards_and_stops_the_router_first() throws Exception {
    // given
    Process process = launcher.start("--num-shard", "2");
    awaitPhase("Serving");

    // when
    process.destroy();

    // then
    assertThat(process.waitFor(30, TimeUnit.SECONDS)).as(launcher.log()).isTrue();
    assertThat(process.exitValue()).isZero();
    assertThat(launcher.diary().stream().filter(line -> !line.contains("started")))
        .startsWith("router asked to stop", "router drained")
        .contains("shard-0 asked to stop", "shard-1 asked to stop");
    assertThat(launcher.diary())
        .filteredOn(line -> line.startsWith("shard-1 started"))
        .singleElement()
        .asString()
        .contains(
            "serve " + home.resolve("model"),
            "--uds-path " + launcher.sockets().resolve("epoch-1/shard"),
            "--sharded");
    assertThat(launcher.sockets()).isDirectoryNotContaining("glob:**/{epoch,current}*");
    assertThat(launcher.log()).contains("shard-0  weights loaded", "a line that is no JSON");
  }

  private void awaitPhase(String phase) {
    eventually()
        .untilAsserted(() ->
            assertThat(launcher.status().path("phase").asText())
                .as(launcher.log())
                .isEqualTo(phase));
  }

  private static ConditionFactory eventually() {
    return await().atMost(Duration.ofSeconds(40)).pollInterval(Duration.ofMillis(50));
  }
}
