package dev.lorax.launcher.control;

import dev.lorax.launcher.failure.FailureCode;
import dev.lorax.launcher.process.Exit;
import dev.lorax.launcher.process.MemberName;
import dev.lorax.launcher.process.OutputLine;
import dev.lorax.protocol.launcher.v1.AgentMessage;
import dev.lorax.protocol.launcher.v1.Exited;
import dev.lorax.protocol.launcher.v1.Hello;
import dev.lorax.protocol.launcher.v1.LauncherGrpc;
import dev.lorax.protocol.launcher.v1.LauncherMessage;
import dev.lorax.protocol.launcher.v1.Output;
import dev.lorax.protocol.launcher.v1.OutputStream;
import dev.lorax.protocol.launcher.v1.StartFailed;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.util.Locale;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/** Translates the control protocol into calls of {@link Agents}. */
final class ControlService extends LauncherGrpc.LauncherImplBase {

  private final Agents agents;

  ControlService(Agents agents) {
    this.agents = agents;
  }

  @Override
  public StreamObserver<AgentMessage> attach(StreamObserver<LauncherMessage> toAgent) {
    return new FromAgent(toAgent);
  }

  /** gRPC calls it from one thread at a time. */
  private final class FromAgent implements StreamObserver<AgentMessage> {

    private final StreamObserver<LauncherMessage> toAgent;
    private final Attachment attachment;
    private @Nullable AgentName agent;

    FromAgent(StreamObserver<LauncherMessage> toAgent) {
      this.toAgent = toAgent;
      this.attachment = new Attachment(toAgent);
    }

    @Override
    public void onNext(AgentMessage message) {
      if (message.hasHello()) {
        hello(message.getHello());
      } else if (agent != null) {
        follow(agent, message);
      } else {
        toAgent.onError(
            Status.FAILED_PRECONDITION
                .withDescription("the first message of an agent must be hello")
                .asRuntimeException());
      }
    }

    private void hello(Hello hello) {
      var role = MemberName.Role.valueOf(hello.getRole().toUpperCase(Locale.ROOT));
      agent = new AgentName(role, hello.getIndex());
      agents.attached(agent, hello, attachment);
    }

    private void follow(AgentName from, AgentMessage message) {
      switch (message.getMessageCase()) {
        case STARTED -> {
          var started = message.getStarted();
          agents
              .find(from, started.getMember(), started.getEpoch())
              .ifPresent(member -> member.hasStarted(started.getProcessId()));
        }
        case START_FAILED -> failed(from, message.getStartFailed());
        case OUTPUT -> output(from, message.getOutput());
        case EXITED -> {
          var exited = message.getExited();
          agents
              .find(from, exited.getMember(), exited.getEpoch())
              // Agents tell of a start before its end; this one is of an earlier launcher's member,
              // whose epochs began at one as well.
              .filter(member -> member.started().isDone())
              .ifPresent(member -> member.hasExited(exit(exited)));
        }
        case LEAVING -> agents.leaving(from);
        case HELLO, MESSAGE_NOT_SET -> {}
      }
    }

    private static Exit exit(Exited exited) {
      if (!exited.hasOutOfMemory()) {
        return new Exit.Code(exited.getExitCode());
      }
      var outOfMemory = exited.getOutOfMemory();
      return new Exit.OutOfMemory(
          outOfMemory.getProven(),
          outOfMemory.hasLimitBytes()
              ? OptionalLong.of(outOfMemory.getLimitBytes())
              : OptionalLong.empty());
    }

    private void failed(AgentName from, StartFailed failed) {
      agents
          .find(from, failed.getMember(), failed.getEpoch())
          .ifPresent(member ->
              member.hasNotStarted(
                  FailureCode.ofWord(failed.getCode()).orElse(FailureCode.UNEXPECTED),
                  failed.getReason()));
    }

    private void output(AgentName from, Output output) {
      var stream =
          output.getStream() == OutputStream.OUTPUT_STREAM_STDERR
              ? OutputLine.Stream.STDERR
              : OutputLine.Stream.STDOUT;
      agents
          .find(from, output.getMember(), output.getEpoch())
          .ifPresent(member -> member.wrote(new OutputLine(stream, output.getLine())));
    }

    @Override
    public void onError(Throwable broken) {
      detach();
    }

    @Override
    public void onCompleted() {
      attachment.end();
      detach();
    }

    private void detach() {
      if (agent != null) {
        agents.detached(agent, attachment);
      }
    }
  }
}
