package dev.lorax.launcher.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class LocalProcessHostTest {

  private final Queue<OutputLine> lines = new ConcurrentLinkedQueue<>();
  @TempDir private Path directory;
  private LocalProcessHost host;

  @BeforeEach
  void open() throws InterruptedException {
    host = LocalProcessHost.open(directory.resolve("ledger"));
  }

  @AfterEach
  void close() {
    host.close();
  }

  private Member start(String script, Map<String, String> environment) throws Exception {
    var command =
        new MemberCommand(MemberName.shard(0), 1, List.of("sh", "-c", script), environment);
    return host.start(command, lines::add);
  }

  private static Exit end(Member member) throws Exception {
    return member.exited().get(30, TimeUnit.SECONDS);
  }

  @Test
  void hands_on_all_output_before_the_exit() throws Exception {
    // when
    Exit exit = end(start("echo $GREETING; echo bad >&2; exit 3", Map.of("GREETING", "hello")));

    // then
    assertThat(exit).isEqualTo(new Exit.Code(3));
    assertThat(lines)
        .containsExactlyInAnyOrder(
            new OutputLine(OutputLine.Stream.STDOUT, "hello"),
            new OutputLine(OutputLine.Stream.STDERR, "bad"));
  }

  @Test
  void insists_with_sigkill_after_the_grace_period() throws Exception {
    // given
    Member member = start("trap '' TERM; echo ready; while :; do sleep 1; done", Map.of());
    await().untilAsserted(() -> assertThat(lines).hasSize(1));

    // when
    member.stop(Duration.ofMillis(300));

    // then
    assertThat(end(member).description()).isEqualTo("was ended by SIGKILL");
  }

  @Test
  void leaves_nothing_of_a_members_own_children() throws Exception {
    // given
    Member member = start("sleep 300 & echo $!; wait", Map.of());
    await().untilAsserted(() -> assertThat(lines).hasSize(1));
    long child = Long.parseLong(lines.element().text());

    // when
    member.stop(Duration.ofSeconds(10));

    // then
    end(member);
    await().untilAsserted(() -> assertThat(ProcessHandle.of(child)).isEmpty());
  }

  @Test
  void names_a_program_that_is_not_there() {
    var command =
        new MemberCommand(
            MemberName.ROUTER, 1, List.of("lorax-router"), Map.of("PATH", "/nowhere"));
    assertThatThrownBy(() -> host.start(command, lines::add))
        .isInstanceOf(MemberStartException.class)
        .hasMessage("program lorax-router not found on PATH=/nowhere");
  }
}
