package dev.lorax.launcher.config;

import java.net.InetAddress;
import org.jspecify.annotations.Nullable;

/**
 * What the router is started with.
 *
 * @param chunkedPrefill told to the shards, of which the router learns it
 * @param prefillChunkTokens prompt tokens of one step with shards that do; null leaves it to the
 *     router, which knows their device
 * @param prefixCaching told to router and shards
 * @param otlpEndpoint OpenTelemetry collector; null traces nothing
 * @param defaultAdapterSource source of adapters whose request names none
 */
public record RouterConfig(
    InetAddress hostname,
    int port,
    int maxConcurrentRequests,
    int maxBestOf,
    int maxStopSequences,
    AskedLimits limits,
    double waitingServedRatio,
    int maxWaitingTokens,
    boolean eagerPrefill,
    boolean chunkedPrefill,
    @Nullable Integer prefillChunkTokens,
    boolean prefixCaching,
    int maxActiveAdapters,
    int adapterCycleTimeSeconds,
    int validationWorkers,
    @Nullable String otlpEndpoint,
    Source defaultAdapterSource,
    AccessFiles access,
    ClientPatience clients,
    CrossOrigin crossOrigin) {

  /** Limits in tokens, as far as they were given; the others follow from the model. */
  public record AskedLimits(
      @Nullable Integer input,
      @Nullable Integer total,
      @Nullable Integer batchPrefill,
      @Nullable Integer batchTotal) {}
}
