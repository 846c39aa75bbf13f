package dev.lorax.router.request;

import dev.lorax.router.adapter.AdapterSource;
import java.time.Duration;

/**
 * What a single request may ask for.
 *
 * @param defaultSource where an adapter comes from if the request does not say
 * @param maxQueueWait how long a request may wait for its adapter and a place in the batch
 * @param maxRequestTime how long a request may take as a whole, waiting and running
 */
public record RequestLimits(
    int maxConcurrentRequests,
    int maxBestOf,
    int maxStopSequences,
    int maxInputLength,
    int maxTotalTokens,
    AdapterSource defaultSource,
    Duration maxQueueWait,
    Duration maxRequestTime) {}
