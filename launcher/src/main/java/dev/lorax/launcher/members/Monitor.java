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
    try {
      while (true) {
        CompletableFuture<Shards.Event> shardEvent = shards.next();
        CompletableFuture<MemberFailure> routerFailure = router.failure();
        CompletableFuture.anyOf(shardEvent, routerFailure).get();
        // Shards first: without them a restarted router could only wait.
        if (shardEvent.isDone()) {
          follow(shardEvent.join(), model);
        } else {
          router.restart(routerFailure.join(), model);
        }
      }
    } catch (ExecutionException e) {
      throw new AssertionError("no event completes exceptionally", e);
    }
  }

  private void follow(Shards.Event event, ModelDirectory model)
      throws MemberException, InterruptedException {
    switch (event) {
      case Shards.Event.Ready() -> {
        shards.publish();
        router.shardsReady();
      }
      case Shards.Event.Failed(var failure) -> {
        router.shardsFailed();
        shards.restart(failure, model);
      }
    }
  }
}
