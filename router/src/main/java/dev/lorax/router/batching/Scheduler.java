package dev.lorax.router.batching;

import dev.lorax.router.kvcache.BlockAllocator;
import dev.lorax.router.kvcache.BlockTable;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Chooses which waiting requests are prefilled next. Confined to the batch loop.
 *
 * <p>Two budgets bound the choice: tokens of one Prefill, and blocks of the cache. A request takes
 * the blocks for its whole possible length when it joins, so a running one never runs out. One that
 * may have ended its shards more than once goes alone: if it does so again, it harms nobody else.
 */
final class Scheduler {
  private final BatchLimits limits;
  private final WaitingEntries waiting;
  private final BlockAllocator allocator;
  private final int speculatedTokens;
  private long nextBatchId = 1;

  Scheduler(
      BatchLimits limits, WaitingEntries waiting, BlockAllocator allocator, int speculatedTokens) {
    this.limits = limits;
    this.waiting = waiting;
    this.allocator = allocator;
    this.speculatedTokens = speculatedTokens;
  }

  /**
   * The next batch, or null if fewer than that many requests can go now; those that were
   * interrupted do not wait for others.
   */
  @Nullable PrefillBatch next(int minSize, long nanoTime) {
    var chosen = new ArrayList<Entry>();
    int budget = limits.maxPrefillTokens();
    for (Entry entry = waiting.peek(); entry != null; entry = waiting.peek()) {
      int tokens = entry.prefillTokens();
      boolean alone = entry.progress().suspect();
      // A prompt larger than the whole budget goes alone: it could not go any other way.
      if ((tokens > budget || alone) && !chosen.isEmpty()) {
        break;
      }
      BlockTable blocks = allocator.tryAllocate(entry.request().slots(speculatedTokens));
      if (blocks == null) {
        break;
      }
      waiting.take(entry);
      entry.joins(blocks, nanoTime);
      chosen.add(entry);
      budget -= tokens;
      if (alone) {
        break;
      }
    }
    if (chosen.isEmpty() || (chosen.size() < minSize && !chosen.getFirst().interrupted())) {
      putBack(chosen, nanoTime);
      return null;
    }
    return new PrefillBatch(nextBatchId++, chosen, allocator.blockSize());
  }

  /** The same requests, each in a batch of its own. */
  List<PrefillBatch> split(PrefillBatch batch) {
    var parts = new ArrayList<PrefillBatch>();
    for (Entry entry : batch.entries()) {
      parts.add(new PrefillBatch(nextBatchId++, List.of(entry), batch.blockSize()));
    }
    return parts;
  }

  private void putBack(List<Entry> chosen, long nanoTime) {
    for (Entry entry : chosen.reversed()) {
      entry.leaves(nanoTime);
      waiting.putBack(entry);
    }
  }
}
