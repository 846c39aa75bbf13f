package dev.lorax.launcher.control;

import dev.lorax.launcher.failure.FailureCode;
import dev.lorax.launcher.process.Exit;
import dev.lorax.launcher.process.Member;
import dev.lorax.launcher.process.MemberName;
import dev.lorax.launcher.process.MemberStartException;
import dev.lorax.launcher.process.OutputLine;
import dev.lorax.launcher.process.PosixSignal;
import dev.lorax.protocol.launcher.v1.LauncherMessage;
import dev.lorax.protocol.launcher.v1.Signal;
import dev.lorax.protocol.launcher.v1.Stop;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** A process under an agent. Thread-safe. */
final class AttachedMember implements Member {

  private final MemberName name;
  private final long epoch;
  private final Consumer<LauncherMessage> agent;
  private final CompletableFuture<Long> started = new CompletableFuture<>();
  private final CompletableFuture<Exit> exited = new CompletableFuture<>();
  private final CompletableFuture<Void> leaving = new CompletableFuture<>();
  private volatile BooleanSupplier signOfLife = () -> false;
  private final List<OutputLine> early = new ArrayList<>();
  private @Nullable Consumer<OutputLine> output;
  private volatile @Nullable LauncherMessage lastOrder;

  AttachedMember(MemberName name, long epoch, Consumer<LauncherMessage> agent) {
    this.name = name;
    this.epoch = epoch;
    this.agent = agent;
  }

  /** From now on lines go there, those that came before first. */
  synchronized void forwardTo(Consumer<OutputLine> consumer) {
    early.forEach(consumer);
    early.clear();
    output = consumer;
  }

  synchronized void wrote(OutputLine line) {
    if (output == null) {
      early.add(line);
    } else {
      output.accept(line);
    }
  }

  void hasStarted(long processId) {
    started.complete(processId);
  }

  void hasNotStarted(FailureCode code, String reason) {
    started.completeExceptionally(new MemberStartException(code, reason));
    exited.complete(new Exit.Lost(reason));
  }

  /** Completes with the process id, or with a {@link MemberStartException}. */
  CompletableFuture<Long> started() {
    return started;
  }

  void hasExited(Exit exit) {
    started.completeExceptionally(
        new MemberStartException(
            FailureCode.UNEXPECTED, "%s %s".formatted(name, exit.description())));
    exited.complete(leaving.isDone() ? new Exit.Left() : exit);
  }

  /** Its container was told to stop, and its process with it. */
  void isLeaving() {
    leaving.complete(null);
  }

  /** Whether somebody who does not need the agent for it still hears from the process. */
  boolean answers() {
    return signOfLife.getAsBoolean();
  }

  boolean isOver() {
    return exited.isDone();
  }

  @Override
  public MemberName name() {
    return name;
  }

  @Override
  public long epoch() {
    return epoch;
  }

  @Override
  public long processId() {
    return started.join();
  }

  @Override
  public CompletableFuture<Exit> exited() {
    return exited.copy();
  }

  @Override
  public CompletableFuture<Void> leaving() {
    return leaving.copy();
  }

  @Override
  public void vouchedBy(BooleanSupplier otherSign) {
    signOfLife = otherSign;
  }

  @Override
  public void stop(Duration grace) {
    var stop =
        Stop.newBuilder()
            .setMember(name.toString())
            .setEpoch(epoch)
            .setGraceMillis(grace.toMillis());
    order(LauncherMessage.newBuilder().setStop(stop).build());
  }

  @Override
  public void kill() {
    var signal =
        Signal.newBuilder()
            .setMember(name.toString())
            .setEpoch(epoch)
            .setSignal(PosixSignal.SIGKILL.number());
    order(LauncherMessage.newBuilder().setSignal(signal).build());
  }

  private void order(LauncherMessage end) {
    lastOrder = end;
    agent.accept(end);
  }

  /** Its agent was away, and may not have heard that the member shall end. */
  void repeatOrder() {
    LauncherMessage end = lastOrder;
    if (end != null) {
      agent.accept(end);
    }
  }
}
