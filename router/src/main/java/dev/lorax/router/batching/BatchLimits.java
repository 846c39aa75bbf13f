package dev.lorax.router.batching;

/**
 * What bounds a batch.
 *
 * @param maxPrefillTokens prompt tokens that one Prefill may carry
 * @param chunkTokens tokens of a step with shards that chunk prompts, running requests included
 * @param waitingServedRatio how large, against the running batch, a group of new requests must be
 *     to interrupt it
 * @param maxWaitingSteps steps after which any number of new requests may interrupt it
 * @param order which of the waiting requests goes first
 * @param eagerPrefill whether to prefill several batches in a row before the next Decode
 * @param prefixCaching whether prompts that begin alike share blocks
 */
public record BatchLimits(
    int maxPrefillTokens,
    int chunkTokens,
    float waitingServedRatio,
    int maxWaitingSteps,
    QueueOrder order,
    boolean eagerPrefill,
    boolean prefixCaching) {
  /** What a step may carry of new prompts; with chunks, beside the running requests. */
  public int stepTokens(boolean chunked) {
    return chunked ? Math.min(maxPrefillTokens, chunkTokens) : maxPrefillTokens;
  }
}
