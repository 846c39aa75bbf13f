package dev.lorax.launcher.config;

import java.net.InetAddress;
import org.jspecify.annotations.Nullable;

/**
 * What the router is started with. Null limits follow from the model.
 *
 * @param defaultAdapterSource source of adapters whose request names none
 */
public record RouterConfig(
    InetAddress hostname,
    int port,
    int maxConcurrentRequests,
    int maxBestOf,
    int maxStopSequences,
    @Nullable Integer maxInputLength,
    @Nullable Integer maxTotalTokens,
    double waitingServedRatio,
    @Nullable Integer maxBatchPrefillTokens,
    @Nullable Integer maxBatchTotalTokens,
    int maxWaitingTokens,
    int maxActiveAdapters,
    int adapterCycleTimeSeconds,
    int validationWorkers,
    Source defaultAdapterSource) {}
