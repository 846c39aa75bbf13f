package dev.lorax.launcher.agent;

import dev.lorax.launcher.failure.FailureCode;
import dev.lorax.launcher.process.Exit;
import dev.lorax.launcher.process.LocalMember;
import dev.lorax.launcher.process.LocalProcessHost;
import dev.lorax.launcher.process.MemberCommand;
import dev.lorax.launcher.process.MemberName;
import dev.lorax.launcher.process.MemberStartException;
import dev.lorax.launcher.process.OutputLine;
import dev.lorax.protocol.launcher.v1.AgentMessage;
import dev.lorax.protocol.launcher.v1.Exited;
import dev.lorax.protocol.launcher.v1.OutOfMemory;
import dev.lorax.protocol.launcher.v1.Output;
import dev.lorax.protocol.launcher.v1.OutputStream;
import dev.lorax.protocol.launcher.v1.RunningMember;
import dev.lorax.protocol.launcher.v1.Start;
import dev.lorax.protocol.launcher.v1.StartFailed;
import dev.lorax.protocol.launcher.v1.Started;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The processes of an agent. Thread-safe. */
final class AgentMembers {

  /** gRPC refuses messages beyond 4 MiB, and no person reads a line as long as this. */
  private static final int MAX_LINE = 64 * 1024;

  private final LocalProcessHost host;
  private final Outbox outbox;
  private final Map<MemberName, LocalMember> members = new HashMap<>();
  private boolean closed;

  AgentMembers(LocalProcessHost host, Outbox outbox) {
    this.host = host;
    this.outbox = outbox;
  }

  /** Those whose end the launcher has not been told yet. */
  synchronized List<RunningMember> running() {
    return members.values().stream()
        .map(member ->
            RunningMember.newBuilder()
                .setMember(member.name().toString())
                .setEpoch(member.epoch())
                .setProcessId(member.processId())
                .addAllCommand(member.command().arguments())
                .build())
        .toList();
  }

  /** The launcher knows only one member of a name, so another of that name must end first. */
  synchronized void start(Start start) {
    var name = MemberName.parse(start.getMember());
    LocalMember before = members.get(name);
    if (before == null || before.exited().isDone()) {
      startNow(name, start);
    } else {
      before.kill();
      var _ = before.exited().thenRun(() -> startNow(name, start));
    }
  }

  private synchronized void startNow(MemberName name, Start start) {
    try {
      if (closed) {
        throw new MemberStartException(
            FailureCode.CONTAINER_LOST, "the container of %s is stopping".formatted(name));
      }
      var command =
          new MemberCommand(
              name, start.getEpoch(), start.getCommandList(), start.getEnvironmentMap());
      LocalMember member = host.start(command, line -> wrote(command, line));
      members.put(name, member);
      outbox.put(started(member));
      var _ = member.exited().thenAccept(exit -> outbox.put(exited(member, exit)));
    } catch (MemberStartException e) {
      outbox.put(failed(start, e.code(), e.sentence()));
    } catch (IllegalArgumentException e) {
      outbox.put(failed(start, FailureCode.UNEXPECTED, String.valueOf(e.getMessage())));
    } catch (InterruptedException e) {
      throw new AssertionError("nobody interrupts a thread of gRPC", e);
    }
  }

  /** The launcher has been told of the end. */
  synchronized void forget(Exited exited) {
    var name = MemberName.parse(exited.getMember());
    find(exited.getMember(), exited.getEpoch()).ifPresent(member -> members.remove(name, member));
  }

  synchronized Optional<LocalMember> find(String name, long epoch) {
    return Optional.ofNullable(members.get(MemberName.parse(name)))
        .filter(member -> member.epoch() == epoch);
  }

  /** Stops everything for good. */
  synchronized void close(Duration grace) {
    closed = true;
    members.values().forEach(member -> member.stop(grace));
  }

  synchronized boolean allExited() {
    return members.values().stream().allMatch(member -> member.exited().isDone());
  }

  private void wrote(MemberCommand command, OutputLine line) {
    boolean stderr = line.stream() == OutputLine.Stream.STDERR;
    // The container's own log shows its process as if it ran there alone.
    (stderr ? System.err : System.out).println(line.text());
    String text = line.text();
    var output =
        Output.newBuilder()
            .setMember(command.member().toString())
            .setEpoch(command.epoch())
            .setStream(
                stderr ? OutputStream.OUTPUT_STREAM_STDERR : OutputStream.OUTPUT_STREAM_STDOUT)
            .setLine(text.length() > MAX_LINE ? text.substring(0, MAX_LINE) : text);
    outbox.put(AgentMessage.newBuilder().setOutput(output).build());
  }

  private static AgentMessage started(LocalMember member) {
    var started =
        Started.newBuilder()
            .setMember(member.name().toString())
            .setEpoch(member.epoch())
            .setProcessId(member.processId());
    return AgentMessage.newBuilder().setStarted(started).build();
  }

  private static AgentMessage exited(LocalMember member, Exit exit) {
    var exited =
        Exited.newBuilder()
            .setMember(member.name().toString())
            .setEpoch(member.epoch())
            .setExitCode(exit instanceof Exit.Code(var value) ? value : -1);
    if (exit instanceof Exit.OutOfMemory(var proven, var limitBytes)) {
      var outOfMemory = OutOfMemory.newBuilder().setProven(proven);
      limitBytes.ifPresent(outOfMemory::setLimitBytes);
      exited.setExitCode(Exit.OutOfMemory.EXIT_CODE).setOutOfMemory(outOfMemory);
    }
    return AgentMessage.newBuilder().setExited(exited).build();
  }

  private static AgentMessage failed(Start start, FailureCode code, String reason) {
    var failed =
        StartFailed.newBuilder()
            .setMember(start.getMember())
            .setEpoch(start.getEpoch())
            .setCode(code.word())
            .setReason(reason);
    return AgentMessage.newBuilder().setStartFailed(failed).build();
  }
}
