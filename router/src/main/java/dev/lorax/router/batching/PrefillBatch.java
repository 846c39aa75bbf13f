package dev.lorax.router.batching;

import java.util.List;

/**
 * Requests whose prompts are computed together, the last one perhaps in chunks. Each holds its
 * blocks already.
 */
public record PrefillBatch(long id, List<Entry> entries, int blockSize) {
  public PrefillBatch {
    entries = List.copyOf(entries);
  }

  /** Blocks that the requests hold together. */
  public int blocks() {
    int blocks = 0;
    for (Entry entry : entries) {
      blocks += entry.blocks().blockCount();
    }
    return blocks;
  }

  /** Tokens for which the requests hold blocks. */
  public int maxTokens() {
    return blocks() * blockSize;
  }
}
