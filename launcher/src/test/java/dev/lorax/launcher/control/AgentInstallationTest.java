package dev.lorax.launcher.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class AgentInstallationTest {

  @TempDir private Path home;

  @Test
  void starts_the_agent_with_the_runtime_and_jar_that_were_copied() throws Exception {
    // given a runtime whose java only says how it was called
    Path java = Files.createDirectories(home.resolve("jdk/bin")).resolve("java");
    Files.writeString(java, "#!/bin/sh\necho \"$0 $*\"\n");
    Files.setPosixFilePermissions(java, PosixFilePermissions.fromString("rwxr-xr-x"));
    Path jar = Files.writeString(home.resolve("launcher.jar"), "jar");
    Path agent = home.resolve("agent");

    // when
    AgentInstallation.install(home.resolve("jdk"), jar, agent);

    // then
    String said = run(agent.resolve("bin/lorax-agent"), "--role", "shard");
    assertThat(said)
        .startsWith(agent + "/runtime/bin/java ")
        .endsWith("-jar " + agent + "/lorax-launcher.jar agent --role shard\n");
  }

  @Test
  void leaves_an_installed_agent_alone() throws IOException {
    // given
    Path script = Files.createDirectories(home.resolve("agent/bin")).resolve("lorax-agent");
    Files.writeString(script, "installed");

    // when
    AgentInstallation.install(
        home.resolve("none"), home.resolve("none.jar"), home.resolve("agent"));

    // then
    assertThat(script).hasContent("installed");
  }

  @Test
  void says_when_there_is_no_jar_to_install() {
    assertThatThrownBy(
            () -> AgentInstallation.install(home, home.resolve("classes"), home.resolve("agent")))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("the agent is this program's jar, but it runs from");
  }

  private static String run(Path script, String... arguments) throws Exception {
    var command = new ArrayList<>(List.of(script.toString()));
    command.addAll(List.of(arguments));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    assertThat(process.waitFor(20, TimeUnit.SECONDS)).isTrue();
    return new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
  }
}
