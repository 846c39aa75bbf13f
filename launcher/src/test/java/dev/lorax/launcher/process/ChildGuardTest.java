package dev.lorax.launcher.process;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class ChildGuardTest {

  @TempDir private Path directory;

  private int run(long parent, Path proof) throws Exception {
    List<String> command = ChildGuard.detect().wrap(parent, List.of("touch", proof.toString()));
    return new ProcessBuilder(command).start().waitFor();
  }

  @Test
  void runs_the_command_with_its_arguments() throws Exception {
    Path proof = directory.resolve("a name with spaces");
    assertThat(run(ProcessHandle.current().pid(), proof)).isZero();
    assertThat(proof).exists();
  }

  @Test
  void does_not_run_a_child_whose_parent_died_before_it_could_ask_for_the_signal()
      throws Exception {
    Path proof = directory.resolve("proof");
    long dead = new ProcessBuilder("true").start().onExit().get().pid();
    assertThat(run(dead, proof)).isNotZero();
    assertThat(Files.exists(proof)).isFalse();
  }
}
