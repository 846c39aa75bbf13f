package dev.lorax.router.batching;

import org.jspecify.annotations.Nullable;

/** The {@link Run} that shards are in, or may be in when their next answer comes. */
final class CurrentRun {
  private final ShardGroup shards;
  private boolean mayGoOn;
  private boolean told;
  private @Nullable Pending<StepResult> next;

  CurrentRun(ShardGroup shards) {
    this.shards = shards;
  }

  /** The step that the shards make already; null when they wait to be asked. */
  @Nullable Pending<StepResult> next() {
    return next;
  }

  /** A step is about to be asked for that may begin a run. */
  Run begins(Run run) {
    mayGoOn = run != Run.NONE;
    told = false;
    return run;
  }

  /** A step has been answered. */
  void answered(StepResult result) {
    next = result.next();
    mayGoOn = next != null;
  }

  /** A step has failed, which ends any run. */
  void failed() {
    next = null;
    mayGoOn = false;
  }

  /** Has it end soon, if there is one. */
  void end() {
    if (mayGoOn && !told) {
      told = true;
      shards.endRun();
    }
  }
}
