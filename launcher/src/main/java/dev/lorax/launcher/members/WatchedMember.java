package dev.lorax.launcher.members;

import dev.lorax.launcher.process.Exit;
import dev.lorax.launcher.process.Member;
import dev.lorax.launcher.process.MemberCommand;
import dev.lorax.launcher.process.MemberName;
import dev.lorax.launcher.process.MemberStartException;
import dev.lorax.launcher.process.ProcessHost;
import dev.lorax.launcher.status.LauncherStatus;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;

/** A member whose output goes to the log and whose states go to the status. */
final class WatchedMember {

  /** After SIGKILL only a kernel or a lost container can hold a process back. */
  private static final Duration KILL_DEADLINE = Duration.ofSeconds(5);

  private final Member member;
  private final MemberLog log;
  private final LauncherStatus status;
  private CompletableFuture<Void> probe = new CompletableFuture<>();

  private WatchedMember(Member member, MemberLog log, LauncherStatus status) {
    this.member = member;
    this.log = log;
    this.status = status;
    status.starting(member.name(), member.epoch());
    var _ =
        member.exited().thenAccept(exit -> status.ended(name(), epoch(), failure(exit).sentence()));
  }

  static WatchedMember start(ProcessHost host, MemberCommand command, LauncherStatus status)
      throws MemberStartException, InterruptedException {
    var log = new MemberLog(command.member());
    return new WatchedMember(host.start(command, log), log, status);
  }

  static Optional<WatchedMember> adopt(ProcessHost host, MemberName name, LauncherStatus status)
      throws MemberStartException, InterruptedException {
    var log = new MemberLog(name);
    return host.adopt(name, log).map(member -> new WatchedMember(member, log, status));
  }

  MemberName name() {
    return member.name();
  }

  long epoch() {
    return member.epoch();
  }

  /** Ready when the probe completes; the probe is given up when the member ends first. */
  CompletableFuture<Void> readyAfter(CompletableFuture<Void> healthProbe) {
    probe = healthProbe;
    var _ = member.exited().thenRun(() -> healthProbe.cancel(false));
    return healthProbe.thenRun(() -> status.ready(name(), epoch()));
  }

  boolean isReady() {
    return probe.isDone() && !probe.isCancelled();
  }

  CompletableFuture<MemberFailure> failure() {
    return member.exited().thenApply(this::failure);
  }

  private MemberFailure failure(Exit exit) {
    return new MemberFailure(name(), exit.description(), exit.fromOutside() ? "" : log.lastWords());
  }

  MemberFailure notReadyWithin(Duration timeout) {
    return new MemberFailure(
        name(), "was not ready within %d s".formatted(timeout.toSeconds()), log.lastWords());
  }

  void askToStop(Duration grace) {
    probe.cancel(false);
    member.stop(grace);
  }

  /**
   * Waits for the end after {@link #askToStop}. An interrupt, which is how a second signal arrives,
   * hurries: the member is killed and the thread stays interrupted for whoever stops next.
   */
  void awaitEnd() {
    try {
      member.exited().get();
    } catch (InterruptedException hurry) {
      member.kill();
      member
          .exited()
          .completeOnTimeout(
              new Exit.Lost("it did not end"), KILL_DEADLINE.toMillis(), TimeUnit.MILLISECONDS)
          .join();
      Thread.currentThread().interrupt();
    } catch (ExecutionException e) {
      throw new AssertionError("an exit never completes exceptionally", e);
    }
  }
}
