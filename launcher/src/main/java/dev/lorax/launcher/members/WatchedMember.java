package dev.lorax.launcher.members;

import dev.lorax.launcher.health.HealthCheck;
import dev.lorax.launcher.health.Heartbeat;
import dev.lorax.launcher.process.Exit;
import dev.lorax.launcher.process.Member;
import dev.lorax.launcher.process.MemberCommand;
import dev.lorax.launcher.process.MemberName;
import dev.lorax.launcher.process.MemberStartException;
import dev.lorax.launcher.status.LauncherStatus;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.LongFunction;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A member whose output goes to the log, whose states go to the status and who has a heartbeat. */
final class WatchedMember {

  private static final Logger LOG = LoggerFactory.getLogger("launcher");

  /** After SIGKILL only a kernel or a lost container can hold a process back. */
  private static final Duration KILL_DEADLINE = Duration.ofSeconds(5);

  private final Member member;
  private final MemberLog log;
  private final LauncherStatus status;
  private final Heartbeat heartbeat;
  private final CompletableFuture<MemberFailure> failure = new CompletableFuture<>();

  /** Completes when the status, too, knows of its exit. */
  private final CompletableFuture<Void> ended;

  private Duration patience = KILL_DEADLINE;

  private WatchedMember(Member member, MemberLog log, HealthCheck check, Surroundings around) {
    this.member = member;
    this.log = log;
    this.status = around.status();
    status.starting(name(), epoch());
    this.heartbeat =
        Heartbeat.start(name().toString(), check, around.timeouts(), new HeartbeatToStatus());
    this.ended = follow();
  }

  private CompletableFuture<Void> follow() {
    member.vouchedBy(heartbeat::answers);
    // What is told to stop may stop to answer, too.
    var _ = member.leaving().thenRun(heartbeat::close);
    var _ =
        heartbeat
            .distress()
            .thenAccept(distress -> {
              status.unready(name(), epoch());
              failure.complete(MemberFailure.of(name(), distress, log.lastWords()));
            });
    return member.exited().thenAccept(this::hasEnded);
  }

  private void hasEnded(Exit exit) {
    heartbeat.close();
    log.end();
    MemberFailure end = MemberFailure.of(name(), exit, log.lastWords());
    status.ended(name(), epoch(), end.sentence());
    failure.complete(end);
  }

  /** The check is made for the epoch of the member. */
  static WatchedMember start(
      Surroundings around, MemberCommand command, LongFunction<HealthCheck> check)
      throws MemberStartException, InterruptedException {
    var log = new MemberLog(command.member());
    Member member = around.host().start(command, log);
    return new WatchedMember(member, log, check.apply(member.epoch()), around);
  }

  static Optional<WatchedMember> adopt(
      Surroundings around, MemberName name, LongFunction<HealthCheck> check)
      throws MemberStartException, InterruptedException {
    var log = new MemberLog(name);
    return around
        .host()
        .adopt(name, log)
        .map(member -> new WatchedMember(member, log, check.apply(member.epoch()), around));
  }

  MemberName name() {
    return member.name();
  }

  long epoch() {
    return member.epoch();
  }

  /** Completes when the member is ready for the first time; never when it fails before. */
  CompletableFuture<Void> ready() {
    return heartbeat.ready();
  }

  /** Completes when the member ended, hangs or was not ready in time. */
  CompletableFuture<MemberFailure> failure() {
    return failure.copy();
  }

  /** Until {@link #expectReady} only life is asked of it. */
  void excuse() {
    heartbeat.excuse();
  }

  /** It must become ready again, within the start-up timeout. */
  void expectReady() {
    heartbeat.expect();
  }

  void askToStop(Duration grace) {
    heartbeat.close();
    patience = grace.plus(KILL_DEADLINE);
    member.stop(grace);
  }

  void kill() {
    heartbeat.close();
    patience = KILL_DEADLINE;
    member.kill();
  }

  /**
   * Waits for the end after {@link #askToStop} or {@link #kill}, after which the member may be
   * started again, but not for a process that even the kernel cannot end. An interrupt, which is
   * how a second signal arrives, hurries: the member is killed and the thread stays interrupted for
   * whoever stops next.
   */
  void awaitEnd() {
    try {
      awaitExit(patience);
    } catch (InterruptedException hurry) {
      member.kill();
      try {
        awaitExit(KILL_DEADLINE);
      } catch (InterruptedException third) {
        LOG.atWarn().addKeyValue("member", name()).log("not waiting for its end");
      }
      Thread.currentThread().interrupt();
    }
  }

  private void awaitExit(Duration timeout) throws InterruptedException {
    try {
      ended.get(timeout.toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException stuck) {
      LOG.atError()
          .addKeyValue("member", name())
          .addKeyValue("process_id", member.processId())
          .log("did not end, even by SIGKILL: its process is stuck in the kernel or out of reach");
      status.ended(name(), epoch(), name() + " did not end, even by SIGKILL");
    } catch (ExecutionException e) {
      throw new AssertionError("what follows an exit never fails", e);
    }
  }

  private final class HeartbeatToStatus implements Heartbeat.Listener {
    @Override
    public void answered() {
      status.answered(name());
    }

    @Override
    public void ready() {
      status.ready(name(), epoch());
    }

    @Override
    public void unready() {
      status.unready(name(), epoch());
    }
  }
}
