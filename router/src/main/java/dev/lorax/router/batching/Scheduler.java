package dev.lorax.router.batching;

import dev.lorax.router.kvcache.BlockPool;
import dev.lorax.router.kvcache.BlockTable;
import dev.lorax.router.kvcache.PromptKey;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Chooses which waiting requests are prefilled next. Confined to the batch loop.
 *
 * <p>Two budgets bound the choice: prompt tokens of one Prefill, and blocks of the cache. A request
 * takes the blocks for its whole possible length when it joins, so a running one never runs out.
 * What is cached of a prompt costs nothing. Where prompts may come in chunks, one that no step
 * could hold begins in a step without other prompts, and the shards go on with it from there: it is
 * cut where it would be cut if it were alone, so that its answer does not depend on who else is
 * there.
 *
 * <p>What goes on after its shards were lost makes no batch with what is new, and comes whole. One
 * that may have ended its shards more than once goes alone: if it does so again, it harms nobody
 * else.
 */
final class Scheduler {
  private final BatchLimits limits;
  private final WaitingEntries waiting;
  private final BlockPool blocks;
  private final ShardProfile profile;
  private long nextBatchId = 1;

  Scheduler(BatchLimits limits, WaitingEntries waiting, BlockPool blocks, ShardProfile profile) {
    this.limits = limits;
    this.waiting = waiting;
    this.blocks = blocks;
    this.profile = profile;
  }

  /**
   * The next batch, or null if fewer than that many requests can go now; those that were
   * interrupted do not wait for others.
   *
   * @param unfinishedTokens prompt tokens of the step that are spoken for
   */
  @Nullable PrefillBatch next(int minSize, int unfinishedTokens, long nanoTime) {
    var chosen = new ArrayList<Entry>();
    int budget =
        limits.stepTokens(profile.chunkedPrefill(), profile.deviceType()) - unfinishedTokens;
    for (Entry entry = waiting.peek(); entry != null; entry = waiting.peek()) {
      PromptKey prompt = entry.promptKey();
      int rest = entry.prefillTokens() - blocks.cachedTokens(prompt);
      boolean alone = entry.progress().suspect();
      boolean whole = entry.goesOn() || !profile.chunkedPrefill();
      // A prompt that no step could hold goes alone, whole or in chunks.
      boolean fits = rest <= budget || (chosen.isEmpty() && (whole || unfinishedTokens == 0));
      if (!fits || !(chosen.isEmpty() || suits(entry, chosen.getFirst()))) {
        break;
      }
      BlockTable table =
          blocks.tryAllocate(prompt, entry.request().slots(profile.speculatedTokens()));
      if (table == null) {
        break;
      }
      waiting.take(entry);
      entry.joins(table, rest > budget && !whole ? budget : 0, nanoTime);
      chosen.add(entry);
      budget -= rest;
      if (alone) {
        break;
      }
    }
    if (chosen.isEmpty() || (chosen.size() < minSize && !chosen.getFirst().interrupted())) {
      putBack(chosen, nanoTime);
      return null;
    }
    return new PrefillBatch(nextBatchId++, chosen, blocks.blockSize());
  }

  private static boolean suits(Entry entry, Entry first) {
    return entry.goesOn() == first.goesOn() && !entry.progress().suspect();
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
