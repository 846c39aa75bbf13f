package dev.lorax.launcher.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Members that are killed with segments of shared memory. */
final class SharedMemoryTest {

  private static final Path SEGMENTS = Path.of("/dev/shm");
  private static final String MAP =
      """
      import mmap, os, sys, time
      file = os.open("/dev/shm/" + sys.argv[1], os.O_CREAT | os.O_RDWR)
      os.ftruncate(file, 4096)
      memory = mmap.mmap(file, 4096)
      print("mapped", flush=True)
      time.sleep(600)
      """;

  @TempDir private Path directory;
  private final String name = "nccl-" + UUID.randomUUID();
  private final ConcurrentLinkedQueue<OutputLine> lines = new ConcurrentLinkedQueue<>();
  private LocalProcessHost host;

  @BeforeEach
  void open() throws Exception {
    host = LocalProcessHost.open(ledger());
  }

  @AfterEach
  void close() throws Exception {
    host.close();
    Files.deleteIfExists(SEGMENTS.resolve(name));
  }

  private Path ledger() {
    return directory.resolve("ledger");
  }

  private Member memberThatMaps(String segment) throws Exception {
    var command =
        new MemberCommand(MemberName.shard(0), 1, List.of("python3", "-c", MAP, segment), Map.of());
    Member member = host.start(command, lines::add);
    await().untilAsserted(() -> assertThat(lines).hasSize(1));
    return member;
  }

  @Test
  void removes_what_a_killed_member_had_in_memory() throws Exception {
    // given
    Member member = memberThatMaps(name);

    // when
    member.kill();
    member.exited().get(30, TimeUnit.SECONDS);

    // then
    assertThat(SEGMENTS.resolve(name)).doesNotExist();
    assertThat(ledger()).doesNotExist();
  }

  @Test
  void leaves_alone_what_another_process_has_in_memory() throws Exception {
    // given
    Member member = memberThatMaps(name);
    Process stranger = new ProcessBuilder("python3", "-c", MAP, name).start();
    stranger.inputReader().readLine();

    // when
    member.kill();
    member.exited().get(30, TimeUnit.SECONDS);

    // then
    assertThat(SEGMENTS.resolve(name)).exists();
    stranger.destroyForcibly().waitFor();
  }

  @Test
  void leaves_alone_what_was_nobodys_of_ours() throws Exception {
    // given
    Path strangers = Files.createFile(SEGMENTS.resolve(name));
    Member member = memberThatMaps(name + "-ours");

    // when
    member.kill();
    member.exited().get(30, TimeUnit.SECONDS);

    // then
    assertThat(strangers).exists();
    assertThat(SEGMENTS.resolve(name + "-ours")).doesNotExist();
  }

  @Test
  void removes_what_members_of_a_killed_launcher_left() throws Exception {
    // given a ledger as a launcher leaves it that was killed together with its members
    Member member = memberThatMaps(name);
    await()
        .atMost(Duration.ofSeconds(20))
        .untilAsserted(() -> assertThat(ledger()).content().contains(name));
    String remembered = Files.readString(ledger());
    member.kill();
    member.exited().get(30, TimeUnit.SECONDS);
    Files.createFile(SEGMENTS.resolve(name));
    Object inode = Files.getAttribute(SEGMENTS.resolve(name), "unix:ino");
    Files.writeString(ledger(), remembered.replaceFirst("\\d+", inode.toString()));

    // when
    LocalProcessHost.open(ledger()).close();

    // then
    assertThat(SEGMENTS.resolve(name)).doesNotExist();
    assertThat(ledger()).doesNotExist();
  }
}
