package dev.lorax.router.batching;

import dev.lorax.router.adapter.PreloadedAdapter;
import java.util.List;

/**
 * What connected shards said about themselves.
 *
 * @param totalBlocks blocks of the key-value cache that may be used, the reserved one included
 */
public record ShardProfile(
    int shardCount,
    String dtype,
    String deviceType,
    int blockSize,
    int totalBlocks,
    int speculatedTokens,
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
