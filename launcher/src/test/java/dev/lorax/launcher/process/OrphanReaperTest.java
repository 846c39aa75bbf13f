package dev.lorax.launcher.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class OrphanReaperTest {

  @TempDir private Path directory;

  @Test
  void collects_grandchildren_that_lost_their_parent_and_leaves_children_to_java()
      throws Exception {
    try (var host = LocalProcessHost.open(directory.resolve("ledger"));
        var reaper = OrphanReaper.start(host)) {
      // given a child that leaves a grandchild in another group behind
      var lines = new ConcurrentLinkedQueue<OutputLine>();
      var command =
          new MemberCommand(
              MemberName.ROUTER,
              1,
              List.of("sh", "-c", "setsid sh -c 'exec >&- 2>&-; sleep 1' & echo $!; exit 7"),
              Map.of());

      // when
      Exit exit = host.start(command, lines::add).exited().get(20, TimeUnit.SECONDS);

      // then
      assertThat(exit).isEqualTo(new Exit.Code(7));
      Path grandchild = Path.of("/proc", lines.element().text());
      await()
          .atMost(Duration.ofSeconds(20))
          .untilAsserted(() -> assertThat(Files.exists(grandchild)).isFalse());
      assertThat(reaper).isNotNull();
    }
  }
}
