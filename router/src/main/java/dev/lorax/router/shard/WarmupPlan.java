package dev.lorax.router.shard;

import dev.lorax.router.batching.BatchLimits;
import org.jspecify.annotations.Nullable;

/**
 * The load that the shards must prove to bear before they serve.
 *
 * @param batch what bounds the steps to come
 * @param maxBatchTotalTokens upper bound set by the operator of the server, absent if the shards
 *     decide
 */
public record WarmupPlan(
    int maxInputLength,
    int maxTotalTokens,
    BatchLimits batch,
    @Nullable Integer maxBatchTotalTokens) {
  private static final int TOKENS_WITHOUT_MEASUREMENT = 16_000;

  /** What stands for the budget of a model that generates nothing, as upstream reckons it. */
  int textBlocks(int blockSize) {
    return Math.ceilDiv(batch.maxPrefillTokens(), blockSize) + 1;
  }

  /**
   * Blocks that a batch may use, given what the shards measured (absent if they measure nothing).
   */
  int totalBlocks(@Nullable Integer measuredTokens, int blockSize) {
    int reserved = 1;
    if (measuredTokens == null) {
      int tokens =
          maxBatchTotalTokens != null
              ? maxBatchTotalTokens
              : Math.max(
                  TOKENS_WITHOUT_MEASUREMENT, Math.max(maxTotalTokens, batch.maxPrefillTokens()));
      return Math.ceilDiv(tokens, blockSize) + reserved;
    }
    int measured = measuredTokens / blockSize;
    return maxBatchTotalTokens == null
        ? measured
        : Math.min(measured, Math.ceilDiv(maxBatchTotalTokens, blockSize) + reserved);
  }
}
