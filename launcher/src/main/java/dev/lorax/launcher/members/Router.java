package dev.lorax.launcher.members;

import dev.lorax.launcher.health.HealthCheck;
import dev.lorax.launcher.model.ModelDirectory;
import dev.lorax.launcher.process.MemberName;
import dev.lorax.launcher.process.MemberStartException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The router over all its starts: when it fails, it alone is started anew. Confined to the
 * launcher's main thread; an interrupt of it means stop.
 */
public final class Router {

  private static final Logger LOG = LoggerFactory.getLogger("launcher");

  private static final Duration GRACE_AFTER_FAILURE = Duration.ofSeconds(2);

  private final RouterCommand command;
  private final Surroundings around;
  private final Restarts restarts;
  private @Nullable WatchedMember member;
  private boolean shardsReady = true;
  private boolean everReady;
  private long starts;

  public Router(RouterCommand command, Surroundings around) {
    this.command = command;
    this.around = around;
    this.restarts = new Restarts("router", MemberName.Role.ROUTER, around);
  }

  /** Starts the router, or adopts the one that an earlier launcher left running. */
  public void start(ModelDirectory model) throws MemberException, InterruptedException {
    try {
      Optional<WatchedMember> running =
          WatchedMember.adopt(around, MemberName.ROUTER, this::checkOf);
      // An earlier launcher may have told it to stop, so that its end says nothing about a start.
      everReady = running.isPresent();
      use(running.isPresent() ? running.get() : startProcess(model));
      LOG.atInfo().log(running.isPresent() ? "adopted the running router" : "router started");
    } catch (MemberStartException e) {
      throw new MemberException(e);
    }
  }

  CompletableFuture<MemberFailure> failure() {
    return started().failure();
  }

  /** It keeps its requests waiting, and is not expected to be ready meanwhile. */
  void shardsFailed() {
    shardsReady = false;
    started().excuse();
  }

  /** It finds them by itself, and is ready when it says so after this. */
  void shardsReady() {
    shardsReady = true;
    started().expectReady();
  }

  /**
   * Starts a new process after a pause; throws when the budget is spent, or when the first router
   * ended itself before it ever served.
   */
  void restart(MemberFailure last, ModelDirectory model)
      throws MemberException, InterruptedException {
    boolean served = started().ready().isDone();
    everReady |= served;
    if (!everReady && last.endsFirstStart()) {
      throw restarts.giveUp(last);
    }
    MemberFailure failure = last;
    while (true) {
      try {
        restarts.prepare(failure, served, () -> endAfter(last));
        use(startProcess(model));
        return;
      } catch (MemberStartException e) {
        served = false;
        failure = MemberFailure.notStarted(MemberName.ROUTER, e);
      }
    }
  }

  /** Lets it finish its streams. Harmless when it was never started. */
  public void stop() {
    if (member != null) {
      member.askToStop(around.restarts().drainTimeout());
      member.awaitEnd();
      member = null;
    }
  }

  /** A router that failed has no streams left that a drain could finish. */
  private void endAfter(MemberFailure failure) {
    if (member != null) {
      if (failure.isHung()) {
        member.kill();
      } else {
        member.askToStop(GRACE_AFTER_FAILURE);
      }
      member.awaitEnd();
      member = null;
    }
  }

  private WatchedMember startProcess(ModelDirectory model)
      throws MemberStartException, InterruptedException {
    return WatchedMember.start(around, command.forStart(starts + 1, model), this::checkOf);
  }

  private HealthCheck checkOf(long start) {
    return around.checks().router(command.health());
  }

  private void use(WatchedMember started) {
    member = started;
    starts = started.epoch();
    if (!shardsReady) {
      started.excuse();
    }
    var _ =
        started
            .ready()
            .thenRun(() -> LOG.atInfo().addKeyValue("url", command.health()).log("router ready"));
  }

  private WatchedMember started() {
    if (member == null) {
      throw new IllegalStateException("no router was started");
    }
    return member;
  }
}
