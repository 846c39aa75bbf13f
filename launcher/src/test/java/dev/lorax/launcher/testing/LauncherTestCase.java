package dev.lorax.launcher.testing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.awaitility.core.ConditionFactory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** A test with a launcher in a process of its own. */
public abstract class LauncherTestCase {

  private static final Duration PATIENCE = Duration.ofSeconds(60);

  @TempDir private Path home;
  private LauncherProcess launcher;

  @BeforeEach
  final void prepareLauncher() throws IOException {
    launcher = new LauncherProcess(Home.in(home));
  }

  @AfterEach
  final void endLauncher() throws InterruptedException {
    launcher.close();
  }

  protected final LauncherProcess launcher() {
    return launcher;
  }

  protected final Path terminationLog() {
    return home.resolve("termination-log");
  }

  protected final void awaitPhase(String phase) {
    eventually()
        .untilAsserted(() ->
            assertThat(launcher.status().path("phase").asText())
                .as(launcher.log())
                .isEqualTo(phase));
  }

  protected final void awaitExit(Process process, int code) throws InterruptedException {
    assertThat(process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)).as(launcher.log()).isTrue();
    assertThat(process.exitValue()).as(launcher.log()).isEqualTo(code);
  }

  protected static ConditionFactory eventually() {
    return await().atMost(PATIENCE).pollInterval(Duration.ofMillis(50));
  }
}
