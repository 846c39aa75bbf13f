package dev.lorax.launcher.members;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.lorax.launcher.config.LauncherConfig.RestartConfig;
import dev.lorax.launcher.health.Health;
import dev.lorax.launcher.health.HealthCheck;
import dev.lorax.launcher.health.HealthChecks;
import dev.lorax.launcher.process.LocalProcessHost;
import dev.lorax.launcher.process.MemberCommand;
import dev.lorax.launcher.process.MemberName;
import dev.lorax.launcher.socket.UnixSockets;
import dev.lorax.launcher.status.LauncherStatus;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class WatchedMemberTest {

  private static final MemberName SHARD = MemberName.shard(0);
  private static final Duration LONG = Duration.ofMinutes(5);

  @TempDir private Path directory;

  /** Stands still when the end of the member is written down, as a thread on a busy machine. */
  private static final class HeldClock implements InstantSource {
    private final AtomicBoolean holds = new AtomicBoolean();
    private final CountDownLatch held = new CountDownLatch(1);
    private final CountDownLatch released = new CountDownLatch(1);

    @Override
    public Instant instant() {
      if (holds.compareAndSet(true, false)) {
        held.countDown();
        try {
          released.await();
        } catch (InterruptedException e) {
          throw new AssertionError(e);
        }
      }
      return Instant.EPOCH;
    }
  }

  /** Of a member that is ready. */
  private record Well() implements HealthCheck {
    @Override
    public CompletableFuture<Health> ask(Duration deadline) {
      return CompletableFuture.completedFuture(new Health.Ready());
    }

    @Override
    public void close() {}
  }

  @Test
  void has_ended_for_everybody_once_its_end_was_waited_for() throws Exception {
    // given
    var clock = new HeldClock();
    var status = new LauncherStatus(1, clock);
    try (var host = LocalProcessHost.open(directory.resolve("ledger"));
        var sockets = new UnixSockets()) {
      var restarts = new RestartConfig(LONG, LONG, LONG, LONG, 1, LONG, Duration.ZERO);
      var around = new Surroundings(host, new HealthChecks(sockets), status, restarts, clock);
      WatchedMember first = start(around, 1);
      first.ready().join();

      // when
      clock.holds.set(true);
      var waited = new AtomicBoolean();
      var next = new CompletableFuture<WatchedMember>();
      Thread launcher =
          Thread.ofPlatform()
              .start(() -> {
                first.kill();
                first.awaitEnd();
                waited.set(true);
                try {
                  next.complete(start(around, 2));
                } catch (Exception e) {
                  next.completeExceptionally(e);
                }
              });
      clock.held.await();
      await().until(() -> waited.get() || launcher.getState() == Thread.State.TIMED_WAITING);

      // then
      assertThat(waited).as("went on before the status knew of the end").isFalse();
      clock.released.countDown();
      WatchedMember second = next.join();
      assertThat(second.epoch()).isEqualTo(2);
      second.kill();
      second.awaitEnd();
    } finally {
      clock.released.countDown();
    }
  }

  private static WatchedMember start(Surroundings around, long epoch) throws Exception {
    var command = new MemberCommand(SHARD, epoch, List.of("sleep", "300"), Map.of());
    return WatchedMember.start(around, command, _ -> new Well());
  }
}
