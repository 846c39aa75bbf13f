package dev.lorax.e2e.demo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.lorax.e2e.cluster.Command;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class LastingForwardTest {

  @TempDir Path folder;

  @Test
  void starts_its_command_again_when_it_ends_until_it_is_stopped() throws IOException {
    // given: a command that ends at once, as kubectl does when its pod goes
    Path log = folder.resolve("forward.log");
    LastingForward forward = LastingForward.start(Command.of("echo"), "demo", "server", log);

    // when
    await().untilAsserted(() -> assertThat(Files.readAllLines(log)).hasSizeGreaterThan(1));
    boolean aliveBefore = forward.isAlive();
    forward.stop();

    // then
    assertThat(aliveBefore).isTrue();
    assertThat(forward.isAlive()).isFalse();
    assertThat(Files.readString(log)).contains("service/server", forward.port() + ":http");
  }

  @Test
  void does_not_take_another_process_of_the_same_id_for_itself() {
    var forward = new LastingForward(ProcessHandle.current().pid(), 3000);
    assertThat(forward.isAlive()).isFalse();
    forward.stop();
    assertThat(ProcessHandle.current().isAlive()).isTrue();
  }
}
