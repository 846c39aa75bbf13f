package dev.lorax.launcher.members;

import dev.lorax.launcher.process.MemberName;
import dev.lorax.launcher.process.MemberStartException;
import dev.lorax.launcher.status.FailureCause;
import java.time.Duration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What precedes every restart of shards or router. Confined to the launcher's main thread. */
final class Restarts {

  private static final Logger LOG = LoggerFactory.getLogger("launcher");

  private final String what;
  private final MemberName.Role role;
  private final Surroundings around;
  private final RestartBudget budget;

  Restarts(String what, MemberName.Role role, Surroundings around) {
    this.what = what;
    this.role = role;
    this.around = around;
    this.budget = new RestartBudget(around.restarts(), around.clock());
  }

  /**
   * Tells of the failure, ends what is left and lets the pause pass; throws when the budget is
   * spent.
   *
   * @param served whether what failed had been ready
   */
  void prepare(MemberFailure failure, boolean served, Runnable endRest)
      throws MemberException, MemberStartException, InterruptedException {
    if (failure.cause() == FailureCause.LEFT) {
      awaitReturn(failure);
      endRest.run();
    } else {
      around.status().failed(failure.code(), failure.sentence());
      Duration pause =
          budget
              .spend(served)
              .orElseThrow(() -> new MemberException(failure.code(), budget.exhausted(failure)));
      LOG.atError()
          .addKeyValue("reason", failure.sentence())
          .addKeyValue("code", failure.code())
          .addKeyValue("pause_ms", pause.toMillis())
          .log(what + " failed, starting again");
      endRest.run();
      Thread.sleep(pause);
    }
    around.status().restarted(role, failure.cause());
  }

  /**
   * Nobody failed when a container was told to stop, and with the pod the launcher will be, too.
   */
  private void awaitReturn(MemberFailure failure)
      throws MemberStartException, InterruptedException {
    LOG.atInfo()
        .addKeyValue("member", failure.member())
        .log("its container was told to stop; waiting for its return or for our own stop");
    around.host().awaitPlace(failure.member());
  }

  MemberException giveUp(MemberFailure failure) {
    around.status().failed(failure.code(), failure.sentence());
    return new MemberException(failure.code(), failure.sentence());
  }
}
