package dev.lorax.launcher.control;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lorax.launcher.config.LauncherConfig.RestartConfig;
import dev.lorax.launcher.config.LauncherConfig.ShardPlacement;
import dev.lorax.launcher.process.Exit;
import dev.lorax.launcher.process.Member;
import dev.lorax.launcher.process.MemberCommand;
import dev.lorax.launcher.process.MemberName;
import dev.lorax.launcher.socket.UnixSockets;
import dev.lorax.protocol.launcher.v1.AgentMessage;
import dev.lorax.protocol.launcher.v1.Exited;
import dev.lorax.protocol.launcher.v1.Hello;
import dev.lorax.protocol.launcher.v1.LauncherGrpc;
import dev.lorax.protocol.launcher.v1.LauncherMessage;
import dev.lorax.protocol.launcher.v1.RunningMember;
import dev.lorax.protocol.launcher.v1.Started;
import io.grpc.stub.StreamObserver;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
final class AttachedProcessHostTest {

  private static final String SHARD = "shard-0";

  @TempDir private Path directory;

  /** A launcher that stopped in order left no epoch behind, so that the next one counts anew. */
  @Test
  void takes_no_exit_of_an_earlier_launchers_member_for_one_of_its_own() throws Exception {
    Path socket = directory.resolve("control.sock");
    var usual = Duration.ofSeconds(30);
    var restarts = new RestartConfig(usual, usual, usual, usual, 0, usual, usual);
    try (var sockets = new UnixSockets();
        var host =
            AttachedProcessHost.listen(socket, sockets, ShardPlacement.PER_CONTAINER, restarts)) {
      // given an agent that has not yet been able to tell of the end of its last process
      var channel = sockets.channel(socket);
      var agent = new ScriptedAgent();
      var toLauncher = LauncherGrpc.newStub(channel).attach(agent);
      agent.toLauncher.complete(toLauncher);
      var running = RunningMember.newBuilder().setMember(SHARD).setEpoch(1).setProcessId(41);
      toLauncher.onNext(
          AgentMessage.newBuilder()
              .setHello(Hello.newBuilder().setRole("shard").addRunning(running))
              .build());

      // when a process of the same name and epoch is started
      Member member =
          host.start(
              new MemberCommand(MemberName.shard(0), 1, List.of("lorax-server"), Map.of()),
              line -> {});

      // then its own exit counts, and not the earlier one
      assertThat(member.processId()).isEqualTo(42);
      assertThat(member.exited()).isNotDone();
      toLauncher.onNext(exited(3));
      assertThat(member.exited().get(30, TimeUnit.SECONDS)).isEqualTo(new Exit.Code(3));
      channel.shutdownNow();
    }
  }

  private static AgentMessage exited(int code) {
    return AgentMessage.newBuilder()
        .setExited(Exited.newBuilder().setMember(SHARD).setEpoch(1).setExitCode(code))
        .build();
  }

  /** Tells of an old end when it is to start something, then of the start. */
  private static final class ScriptedAgent implements StreamObserver<LauncherMessage> {

    private final CompletableFuture<StreamObserver<AgentMessage>> toLauncher =
        new CompletableFuture<>();

    @Override
    public void onNext(LauncherMessage message) {
      if (message.hasStart()) {
        toLauncher.join().onNext(exited(0));
        var started = Started.newBuilder().setMember(SHARD).setEpoch(1).setProcessId(42);
        toLauncher.join().onNext(AgentMessage.newBuilder().setStarted(started).build());
      }
    }

    @Override
    public void onError(Throwable broken) {}

    @Override
    public void onCompleted() {}
  }
}
