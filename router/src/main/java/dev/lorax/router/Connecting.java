package dev.lorax.router;

import dev.lorax.router.batching.ShardException;
import dev.lorax.router.batching.ShardGroup;
import dev.lorax.router.shard.GrpcShardConnector;
import java.time.Duration;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;

/** A connection to the shards that is made while its owner does something else. */
final class Connecting {
  private final FutureTask<ShardGroup> task;

  private Connecting(FutureTask<ShardGroup> task) {
    this.task = task;
  }

  static Connecting start(GrpcShardConnector connector, Duration patience) {
    var task = new FutureTask<ShardGroup>(() -> connector.connectWithin(patience));
    Thread.ofPlatform().daemon().name("shard-connect").start(task);
    return new Connecting(task);
  }

  /** Waits for it. */
  ShardGroup shards() throws ShardException, InterruptedException {
    try {
      return task.get();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof ShardException refused) {
        throw refused;
      }
      throw new IllegalStateException("no connection to the shards", e.getCause());
    }
  }
}
