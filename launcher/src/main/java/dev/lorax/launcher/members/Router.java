package dev.lorax.launcher.members;

import dev.lorax.launcher.model.ModelDirectory;
import dev.lorax.launcher.process.MemberName;
import dev.lorax.launcher.process.MemberStartException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The router over all its starts: when it fails, it alone is started anew. Confined to the
 * launcher's main thread; an interrupt of it means stop.
 */
public final class Router {

  private static final Logger LOG = LoggerFactory.getLogger("launcher");

  private final RouterCommand command;
  private final Surroundings surroundings;
  private final RestartBudget budget;
  private @Nullable WatchedMember member;
  private CompletableFuture<MemberFailure> failure = new CompletableFuture<>();
  private long starts;

  public Router(RouterCommand command, Surroundings surroundings) {
    this.command = command;
    this.surroundings = surroundings;
    this.budget = new RestartBudget(surroundings.restarts(), surroundings.clock());
  }

  /** Starts the router, or adopts the one that an earlier launcher left running. */
  public void start(ModelDirectory model) throws MemberException, InterruptedException {
    try {
      Optional<WatchedMember> running =
          WatchedMember.adopt(surroundings.host(), MemberName.ROUTER, surroundings.status());
      watch(running.isPresent() ? running.get() : startProcess(model));
      LOG.atInfo().log(running.isPresent() ? "adopted the running router" : "router started");
    } catch (MemberStartException e) {
      throw new MemberException(e);
    }
  }

  CompletableFuture<MemberFailure> failure() {
    return failure;
  }

  /** Starts a new process after a pause; throws when the budget is spent. */
  void restart(MemberFailure last, ModelDirectory model)
      throws MemberException, InterruptedException {
    Duration pause = budget.spend().orElseThrow(() -> new MemberException(budget.exhausted(last)));
    LOG.atError()
        .addKeyValue("reason", last.sentence())
        .addKeyValue("pause_ms", pause.toMillis())
        .log("router failed, starting it again");
    stop();
    Thread.sleep(pause);
    surroundings.status().restarted(MemberName.Role.ROUTER);
    try {
      watch(startProcess(model));
    } catch (MemberStartException e) {
      throw new MemberException(e);
    }
  }

  /** Lets it finish its streams. Harmless when it was never started. */
  public void stop() {
    if (member != null) {
      member.askToStop(surroundings.restarts().drainTimeout());
      member.awaitEnd();
      member = null;
    }
  }

  private WatchedMember startProcess(ModelDirectory model)
      throws MemberStartException, InterruptedException {
    return WatchedMember.start(
        surroundings.host(), command.forStart(starts + 1, model), surroundings.status());
  }

  private void watch(WatchedMember started) {
    member = started;
    starts = started.epoch();
    Duration timeout = surroundings.restarts().startupTimeout();
    CompletableFuture<Void> ready =
        started.readyAfter(surroundings.probe().router(command.health()));
    var _ =
        ready.thenRun(() -> LOG.atInfo().addKeyValue("url", command.health()).log("router ready"));
    failure = firstOf(started, ready, timeout);
  }

  private static CompletableFuture<MemberFailure> firstOf(
      WatchedMember started, CompletableFuture<Void> ready, Duration timeout) {
    var failure = new CompletableFuture<MemberFailure>();
    var ended = started.failure().thenAccept(failure::complete);
    var late =
        CompletableFuture.runAsync(
                () -> {},
                CompletableFuture.delayedExecutor(timeout.toMillis(), TimeUnit.MILLISECONDS))
            .thenRun(() -> {
              if (!ready.isDone()) {
                failure.complete(started.notReadyWithin(timeout));
              }
            });
    // Held so that the deadline is dropped with the member it belongs to.
    var _ = ended.thenRun(() -> late.cancel(false));
    return failure;
  }
}
