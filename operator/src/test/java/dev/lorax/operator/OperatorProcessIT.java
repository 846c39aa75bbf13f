package dev.lorax.operator;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** The operator as a process of its own: how it starts and how it ends. */
@ExtendWith(TestingApiServer.class)
final class OperatorProcessIT {

  private static final int SIGTERM_EXIT = 128 + 15;

  @TempDir Path directory;

  @Test
  void elected_operator_ends_soon_after_it_is_told_to(TestingApiServer.Access server)
      throws IOException, InterruptedException {
    // given
    String namespace = server.namespace();
    Process operator =
        start(
            server,
            Map.of(
                "LORAX_LAUNCHER_IMAGE", "launcher:1",
                "LORAX_ROUTER_IMAGE", "router:1",
                "LORAX_LEADER_ELECTION", "true",
                "LORAX_HEALTH_PORT", "0",
                "POD_NAMESPACE", namespace));
    awaitLine(operator, "New leader with identity");

    // when
    operator.destroy();

    // then
    assertThat(operator.waitFor(20, TimeUnit.SECONDS)).as("ended").isTrue();
    assertThat(operator.exitValue()).isEqualTo(SIGTERM_EXIT);
  }

  @Test
  void says_what_is_wrong_with_its_environment(TestingApiServer.Access server)
      throws IOException, InterruptedException {
    // when
    Process operator = start(server, Map.of("LORAX_LEADER_ELECTION", "perhaps"));
    String output = new String(operator.getInputStream().readAllBytes(), StandardCharsets.UTF_8);

    // then
    assertThat(operator.waitFor()).isEqualTo(2);
    assertThat(output)
        .contains(
            "LORAX_LAUNCHER_IMAGE: expected a container image, got nothing",
            "LORAX_LEADER_ELECTION: expected true or false, got perhaps");
  }

  private Process start(TestingApiServer.Access server, Map<String, String> environment)
      throws IOException {
    Path kubeconfig = Files.writeString(directory.resolve("kubeconfig"), server.kubeconfig());
    var builder =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                OperatorMain.class.getName())
            .redirectErrorStream(true);
    builder.environment().put("KUBECONFIG", kubeconfig.toString());
    builder.environment().put("LORAX_LOG_LEVEL", "INFO");
    builder.environment().putAll(environment);
    return builder.start();
  }

  private static void awaitLine(Process process, String wanted) throws IOException {
    BufferedReader lines = process.inputReader();
    var seen = new StringBuilder();
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      seen.append(line).append('\n');
      if (line.contains(wanted)) {
        return;
      }
    }
    throw new AssertionError("process ended without '" + wanted + "':\n" + seen);
  }
}
