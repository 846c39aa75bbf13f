package dev.lorax.router.metrics;

import dev.lorax.router.adapter.AdapterKey;
import dev.lorax.router.batching.BatchObserver.Move;
import dev.lorax.router.batching.ShardProfile;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The few log lines that the loops are worth. Thread-safe. */
final class LoopLog {
  private static final Logger LOG = LoggerFactory.getLogger(LoopLog.class);

  void stepFailed(String step, int requests, String reason) {
    LOG.atError()
        .addKeyValue("step", step)
        .addKeyValue("requests", requests)
        .addKeyValue("reason", reason)
        .log("step failed");
  }

  void moved(Move move, AdapterKey adapter, long nanos) {
    LOG.atInfo()
        .addKeyValue("adapter", adapter.label())
        .addKeyValue("move", move.participle())
        .addKeyValue("millis", nanos / 1_000_000)
        .log("adapter moved");
  }

  void moveFailed(Move move, AdapterKey adapter, String reason) {
    LOG.atWarn()
        .addKeyValue("adapter", adapter.label())
        .addKeyValue("move", move.participle())
        .addKeyValue("reason", reason)
        .log("adapter not moved");
  }

  void connected(ShardProfile profile) {
    LOG.atInfo()
        .addKeyValue("shards", profile.shardCount())
        .addKeyValue("dtype", profile.dtype())
        .addKeyValue("device", profile.deviceType())
        .addKeyValue("maxBatchTotalTokens", profile.maxBatchTotalTokens())
        .addKeyValue("preloadedAdapters", profile.preloadedAdapters().size())
        .log("shards connected");
  }

  void lost(String reason, int interrupted) {
    LOG.atError()
        .addKeyValue("reason", reason)
        .addKeyValue("interrupted", interrupted)
        .log("shards lost");
  }

  void unexpected(RuntimeException exception) {
    LOG.atError().setCause(exception).log("bug in a loop");
  }
}
