package dev.lorax.router.config;

import dev.lorax.router.adapter.ResidencyLimits;
import dev.lorax.router.batching.BatchLimits;
import dev.lorax.router.http.HttpSettings;
import dev.lorax.router.http.ServerFacts;
import dev.lorax.router.shard.WarmupPlan;
import java.nio.file.Path;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Everything that can be set, checked. Immutable.
 *
 * @param tokenizerDirectory where {@code tokenizer.json} lies
 * @param maxQueueTokens tokens that may wait; absent means in proportion to what the shards hold
 * @param otlpEndpoint OpenTelemetry collector; absent: nothing is traced
 * @param apiKeys file with API keys; absent: everybody may ask
 */
public record RouterConfig(
    Path firstShardSocket,
    Path tokenizerDirectory,
    HttpSettings http,
    ServerFacts facts,
    BatchLimits batch,
    ResidencyLimits residency,
    WarmupPlan warmup,
    @Nullable Integer maxQueueTokens,
    @Nullable Path apiKeys,
    Patience patience,
    @Nullable String otlpEndpoint,
    boolean jsonOutput) {
  static final String VERSION = "0.1.0";

  /**
   * How long the process waits for others.
   *
   * @param lameDuck for clients and proxies to hear that it leaves, before it lets nobody new in;
   *     then for connections that nobody uses to be used once more
   */
  public record Patience(Duration shardConnect, Duration lameDuck, Duration drain) {}
}
