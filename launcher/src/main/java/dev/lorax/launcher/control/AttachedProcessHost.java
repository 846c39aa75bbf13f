package dev.lorax.launcher.control;

import dev.lorax.launcher.config.LauncherConfig.RestartConfig;
import dev.lorax.launcher.config.LauncherConfig.ShardPlacement;
import dev.lorax.launcher.failure.FailureCode;
import dev.lorax.launcher.process.Member;
import dev.lorax.launcher.process.MemberCommand;
import dev.lorax.launcher.process.MemberName;
import dev.lorax.launcher.process.MemberStartException;
import dev.lorax.launcher.process.OutputLine;
import dev.lorax.launcher.process.ProcessHost;
import dev.lorax.launcher.socket.UnixSockets;
import dev.lorax.protocol.launcher.v1.LauncherMessage;
import dev.lorax.protocol.launcher.v1.Start;
import io.grpc.Server;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;

/** Processes in other containers of the pod, under agents that attach to a socket. Thread-safe. */
public final class AttachedProcessHost implements ProcessHost {

  /** An agent that is attached answers a start at once, or something is very wrong with it. */
  private static final Duration START_DEADLINE = Duration.ofSeconds(30);

  private static final Duration KEEP_ALIVE = Duration.ofSeconds(2);

  private final Server server;
  private final Agents agents;
  private final ShardPlacement placement;
  private final Duration attachTimeout;
  private final Path socket;

  private AttachedProcessHost(
      Server server, Agents agents, ShardPlacement placement, Duration attachTimeout, Path socket) {
    this.server = server;
    this.agents = agents;
    this.placement = placement;
    this.attachTimeout = attachTimeout;
    this.socket = socket;
  }

  /** Listens on the socket, in place of a launcher that is no more. */
  public static AttachedProcessHost listen(
      Path socket, UnixSockets sockets, ShardPlacement placement, RestartConfig restarts)
      throws IOException {
    Files.deleteIfExists(socket);
    var agents = new Agents();
    Server server =
        sockets
            .server(socket)
            // Otherwise an agent that is frozen would look attached for ever.
            .keepAliveTime(KEEP_ALIVE.toMillis(), TimeUnit.MILLISECONDS)
            .keepAliveTimeout(restarts.heartbeatTimeout().toMillis(), TimeUnit.MILLISECONDS)
            .addService(new ControlService(agents))
            .build()
            .start();
    return new AttachedProcessHost(server, agents, placement, restarts.startupTimeout(), socket);
  }

  @Override
  public Member start(MemberCommand command, Consumer<OutputLine> output)
      throws MemberStartException, InterruptedException {
    AgentName agent = agentOf(command.member());
    awaitAgent(agent, agents.startingPlace(agent));
    AttachedMember member = agents.register(agent, command.member(), command.epoch());
    member.forwardTo(output);
    var start =
        Start.newBuilder()
            .setMember(command.member().toString())
            .setEpoch(command.epoch())
            .addAllCommand(command.arguments())
            .putAllEnvironment(command.environment());
    agents.send(agent, LauncherMessage.newBuilder().setStart(start).build());
    await(
        member.started(),
        START_DEADLINE,
        "agent %s did not start %s".formatted(agent, command.member()));
    return member;
  }

  @Override
  public Optional<Member> adopt(MemberName name, Consumer<OutputLine> output)
      throws MemberStartException, InterruptedException {
    AgentName agent = agentOf(name);
    awaitAgent(agent, agents.attachment(agent));
    Optional<AttachedMember> running = agents.running(agent, name);
    running.ifPresent(member -> member.forwardTo(output));
    return running.map(Member.class::cast);
  }

  @Override
  public void awaitPlace(MemberName member) throws MemberStartException, InterruptedException {
    AgentName agent = agentOf(member);
    awaitAgent(agent, agents.startingPlace(agent));
  }

  private AgentName agentOf(MemberName member) {
    return AgentName.of(member, placement);
  }

  private void awaitAgent(AgentName agent, CompletableFuture<Void> there)
      throws MemberStartException, InterruptedException {
    await(there, attachTimeout, "no agent attached for container " + agent);
  }

  private static void await(CompletableFuture<?> future, Duration timeout, String otherwise)
      throws MemberStartException, InterruptedException {
    try {
      future.get(timeout.toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      throw new MemberStartException(
          FailureCode.CONTAINER_LOST, "%s within %d s".formatted(otherwise, timeout.toSeconds()));
    } catch (ExecutionException e) {
      if (e.getCause() instanceof MemberStartException refused) {
        throw refused;
      }
      throw new IllegalStateException(otherwise, e.getCause());
    }
  }

  @Override
  public boolean isAttached(MemberName member) {
    return agents.isAttached(agentOf(member));
  }

  @Override
  public void close() {
    agents.endAll();
    server.shutdownNow();
    try {
      Files.deleteIfExists(socket);
    } catch (IOException e) {
      throw new UncheckedIOException("control socket " + socket, e);
    }
  }
}
