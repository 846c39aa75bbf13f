package dev.lorax.router.batching;

import org.jspecify.annotations.Nullable;

/**
 * What bounds a batch.
 *
 * @param maxPrefillTokens prompt tokens that one Prefill may carry
 * @param chunkTokens prompt tokens of a step beside the running requests, with shards that chunk
 *     prompts; absent: what suits their device
 * @param waitingServedRatio how large, against the running batch, a group of new requests must be
 *     to interrupt it
 * @param maxWaitingSteps steps after which any number of new requests may interrupt it
 * @param order which of the waiting requests goes first
 * @param eagerPrefill whether to prefill several batches in a row before the next Decode
 * @param prefixCaching whether prompts that begin alike share blocks
 */
public record BatchLimits(
    int maxPrefillTokens,
    @Nullable Integer chunkTokens,
    float waitingServedRatio,
    int maxWaitingSteps,
    QueueOrder order,
    boolean eagerPrefill,
    boolean prefixCaching) {
  /** Measured, see docs/performance.md: a step of a CPU takes as long as its tokens. */
  private static final int CPU_CHUNK = 128;

  /**
   * A GPU reads its weights in the time in which it computes some hundred tokens, so that fewer
   * would not make a step shorter (Agrawal et al., "Taming Throughput-Latency Tradeoff in LLM
   * Inference with Sarathi-Serve", OSDI 2024). Not measured here.
   */
  private static final int GPU_CHUNK = 512;

  /** Prompt tokens that a step may carry. */
  public int stepTokens(boolean chunked, String deviceType) {
    if (!chunked) {
      return maxPrefillTokens;
    }
    int usual = deviceType.equals("cpu") ? CPU_CHUNK : GPU_CHUNK;
    return Math.min(maxPrefillTokens, chunkTokens == null ? usual : chunkTokens);
  }
}
