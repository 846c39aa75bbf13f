package dev.lorax.router.batching;

import java.util.List;

/**
 * Requests whose prompts are computed together, the last one perhaps in chunks. Each holds its
 * blocks already.
 *
 * @param holdsPrompts whether prompts that were begun before and are not finished make no step
 *     beside these
 */
public record PrefillBatch(long id, List<Entry> entries, int blockSize, boolean holdsPrompts) {
  public PrefillBatch {
    entries = List.copyOf(entries);
  }

  /** Whether some of the requests have generated before, on shards that were lost. */
  public boolean goesOn() {
    for (Entry entry : entries) {
      if (entry.goesOn()) {
        return true;
      }
    }
    return false;
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
