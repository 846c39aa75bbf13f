package dev.lorax.router.batching;

import dev.lorax.router.adapter.PreloadedAdapter;
import java.util.List;

/**
 * What connected shards said about themselves.
 *
 * @param chunkedPrefill whether a prompt may come in chunks, each a step beside the running
 *     requests
 * @param holdsPrompts whether they can leave unfinished prompts as they are in a step
 * @param totalBlocks blocks of the key-value cache that may be used, the reserved one included
 * @param resumes whether they can go on with requests that other shards began
 */
public record ShardProfile(
    int shardCount,
    String dtype,
    String deviceType,
    int blockSize,
    int totalBlocks,
    int speculatedTokens,
    boolean chunkedPrefill,
    boolean holdsPrompts,
    boolean resumes,
    List<PreloadedAdapter> preloadedAdapters,
    ModelAbilities abilities) {
  public ShardProfile {
    preloadedAdapters = List.copyOf(preloadedAdapters);
  }

  /** Tokens that all requests of a batch may take together. */
  public int maxBatchTotalTokens() {
    return (totalBlocks - 1) * blockSize;
  }
}
