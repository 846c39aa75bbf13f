package dev.lorax.e2e.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;

final class CommandTest {

  private static final Duration DEADLINE = Duration.ofSeconds(20);

  @Test
  void returns_standard_output_and_hands_on_each_line() {
    List<String> lines = new CopyOnWriteArrayList<>();
    String output =
        Command.of("sh", "-c", "echo one; echo $X; echo oops >&2")
            .withEnvironment("X", "two")
            .run(DEADLINE, lines::add);

    assertThat(output).isEqualTo("one\ntwo\n");
    assertThat(lines).containsExactlyInAnyOrder("one", "two", "oops");
  }

  @Test
  void fails_with_the_status_and_what_the_program_said() {
    assertThatThrownBy(() -> Command.of("sh", "-c", "echo no disk >&2; exit 3").run(DEADLINE))
        .isInstanceOf(CommandFailed.class)
        .hasMessageContainingAll("sh -c", "status 3", "no disk");
  }

  @Test
  void says_which_program_could_not_be_started() {
    assertThatThrownBy(() -> Command.of("no-such-program").run(DEADLINE))
        .isInstanceOf(CommandFailed.class)
        .hasMessageContaining("could not start no-such-program");
  }

  @Test
  void ends_a_program_at_the_deadline() {
    assertThatThrownBy(() -> Command.of("sleep", "60").run(Duration.ofMillis(200)))
        .isInstanceOf(CommandFailed.class)
        .hasMessageContaining("did not end within");
  }

  @Test
  void does_not_wait_for_a_process_left_behind_that_holds_the_pipe() {
    assertThat(Command.of("sh", "-c", "sleep 30 & echo up").run(DEADLINE)).isEqualTo("up\n");
  }
}
