package dev.lorax.launcher.members;

import dev.lorax.launcher.model.ModelDirectory;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;

/** Keeps shards and router running. Confined to the launcher's main thread. */
public final class Monitor {

  private final Shards shards;
  private final Router router;

  public Monitor(Shards shards, Router router) {
    this.shards = shards;
    this.router = router;
  }

  /** Returns only by exception: interrupted to stop, or because a restart budget is spent. */
  public void watch(ModelDirectory model) throws MemberException, InterruptedException {
    while (true) {
      MemberFailure failure = nextFailure();
      switch (failure.member().role()) {
        case SHARD -> shards.restart(failure, model);
        case ROUTER -> router.restart(failure, model);
      }
    }
  }

  private MemberFailure nextFailure() throws InterruptedException {
    CompletableFuture<MemberFailure> shardFailure = shards.failure();
    CompletableFuture<MemberFailure> routerFailure = router.failure();
    try {
      CompletableFuture.anyOf(shardFailure, routerFailure).get();
    } catch (ExecutionException e) {
      throw new AssertionError("an exit never completes exceptionally", e);
    }
    // Shards first: without them a restarted router could only wait.
    return shardFailure.isDone() ? shardFailure.join() : routerFailure.join();
  }
}
