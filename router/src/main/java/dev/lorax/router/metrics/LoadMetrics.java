package dev.lorax.router.metrics;

import dev.lorax.router.batching.ShardProfile;
import dev.lorax.router.batching.TurnState;

/** What waits and runs now, and what the shards have room for. Thread-safe. */
final class LoadMetrics {
  private static final MetricName CACHE_USE = MetricName.of("vllm:kv_cache_usage_perc");
  private static final MetricName CACHE_CONFIG = MetricName.of("vllm:cache_config_info");

  private final Gauge queueLength;
  private final Gauge queueTokens;
  private final Gauge batchSize;
  private final Gauge batchTokens;
  private final Gauge maxTokens;
  private final Gauge blocksHeld;
  private final Gauge blocksCached;
  private final Gauge blocksUsable;
  private final Gauge requestsWaiting;
  private final Gauge requestsRunning;
  private final Gauge shardsConnected;
  private volatile TurnState turn = TurnState.NONE;
  private volatile int waitingTexts;
  private volatile long waitingTextTokens;
  private volatile int runningTexts;

  LoadMetrics(MetricPage page) {
    queueLength = page.gauge(MetricName.of("lorax_queue_length"));
    queueTokens = page.gauge(MetricName.of("lorax_queue_tokens"));
    batchSize = page.gauge(MetricName.of("lorax_batch_current_size"));
    batchTokens = page.gauge(MetricName.of("lorax_batch_current_max_tokens"));
    // Not one of upstream's: with it the tokens of the batch become a share of the cache.
    maxTokens = page.gauge(MetricName.of("lorax_batch_max_total_tokens"));
    blocksHeld = page.gauge(MetricName.of("lorax_kv_blocks_held"));
    blocksCached = page.gauge(MetricName.of("lorax_kv_blocks_cached"));
    blocksUsable = page.gauge(MetricName.of("lorax_kv_blocks_usable"));
    shardsConnected = page.gauge(MetricName.of("lorax_shards_connected"));
    // Under the names that the Gateway API Inference Extension reads of model servers.
    requestsWaiting = page.gauge(MetricName.of("vllm:num_requests_waiting"));
    requestsRunning = page.gauge(MetricName.of("vllm:num_requests_running"));
    page.reading(CACHE_USE, () -> CACHE_USE.series("") + ' ' + turn.cacheUse() + '\n');
    page.reading(CACHE_CONFIG, this::cacheConfig);
  }

  /** How the batch loop stands after a turn. */
  void turned(TurnState state) {
    turn = state;
    tellBoth();
    batchSize.set(state.running());
    batchTokens.set(state.heldTokens());
    blocksHeld.set(state.heldBlocks());
    blocksCached.set(state.idleBlocks());
    blocksUsable.set(state.usableBlocks());
  }

  /** How the encoding loop stands. */
  void texts(int waiting, long waitingTokens, int running) {
    waitingTexts = waiting;
    waitingTextTokens = waitingTokens;
    runningTexts = running;
    tellBoth();
  }

  void connected(ShardProfile profile) {
    shardsConnected.set(profile.shardCount());
    maxTokens.set(profile.maxBatchTotalTokens());
  }

  void lost() {
    shardsConnected.set(0);
    maxTokens.set(0);
  }

  private void tellBoth() {
    int waiting = turn.waiting() + waitingTexts;
    queueLength.set(waiting);
    requestsWaiting.set(waiting);
    queueTokens.set(turn.waitingTokens() + waitingTextTokens);
    requestsRunning.set(turn.running() + runningTexts);
  }

  private String cacheConfig() {
    MetricName series =
        CACHE_CONFIG
            .with("block_size", String.valueOf(turn.blockSize()))
            .with("num_gpu_blocks", String.valueOf(turn.usableBlocks()));
    return series.series("") + " 1\n";
  }
}
