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
 * <p>While a prompt comes in chunks, those that fit one step whole go between its chunks where they
 * do not fit beside them: every other step is theirs at most, so that nobody waits for more than a
 * chunk, and the long prompt takes twice its time at worst. It is held meanwhile, which shards must
 * be able to do, and cut where it is cut in any case. They also go past other long prompts that
 * came before them and wait for the first, but past each in no more steps than it will take itself:
 * their queue is charged for them, and would else never come to its turn again.
 *
 * <p>A prompt that begins like one which is about to be computed waits for it, once, and with it
 * those behind it in its queue: it then takes the common blocks from the cache. So the samples of
 * one request compute their prompt once.
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

  /** Those whose prompts the shards have not finished. */
  private final List<Entry> computing = new ArrayList<>();

  /** Whether the last step left unfinished prompts as they were, for others. */
  private boolean heldLast;

  private long nextBatchId = 1;

  Scheduler(BatchLimits limits, WaitingEntries waiting, BlockPool blocks, ShardProfile profile) {
    this.limits = limits;
    this.waiting = waiting;
    this.blocks = blocks;
    this.profile = profile;
  }

  /**
   * The next batch, or null if fewer than that many requests can go now; those that were
   * interrupted do not wait for others. Asked once for each step of shards that chunk prompts.
   *
   * @param unfinishedTokens prompt tokens of the step that are spoken for
   */
  @Nullable PrefillBatch next(int minSize, int unfinishedTokens, long nanoTime) {
    computing.removeIf(Entry::prompted);
    int step = limits.stepTokens(profile.chunkedPrefill(), profile.deviceType());
    boolean mayHold = profile.holdsPrompts() && unfinishedTokens > 0 && !heldLast;
    boolean holds = false;
    heldLast = false;
    var passedOver = new PassedOver();
    var left = new Room(step, step - unfinishedTokens, unfinishedTokens == 0, false);
    List<Entry> chosen = choose(left, passedOver, nanoTime);
    if (chosen.isEmpty() && mayHold) {
      passedOver = new PassedOver();
      chosen = choose(new Room(step, step, false, true), passedOver, nanoTime);
      holds = true;
    }
    if (chosen.isEmpty() || (chosen.size() < minSize && !hurries(chosen.getFirst()))) {
      putBack(chosen, nanoTime);
      return null;
    }
    heldLast = holds;
    passedOver.overtaken().forEach(Entry::overtaken);
    return new PrefillBatch(nextBatchId++, chosen, blocks.blockSize(), holds);
  }

  /**
   * What a step has room for.
   *
   * @param stepTokens prompt tokens of any step
   * @param tokens those that are left in this one
   * @param mayCut whether a prompt that no step could hold may begin
   * @param holds whether the room is there because an unfinished prompt makes no step
   */
  private record Room(int stepTokens, int tokens, boolean mayCut, boolean holds) {}

  /** Takes requests in their order until one does not fit. */
  private List<Entry> choose(Room room, PassedOver passedOver, long nanoTime) {
    var chosen = new ArrayList<Entry>();
    int budget = room.tokens();
    for (Entry entry = waiting.peek(passedOver); entry != null; entry = waiting.peek(passedOver)) {
      PromptKey prompt = entry.promptKey();
      int cached = blocks.cachedTokens(prompt);
      int rest = entry.prefillTokens() - cached;
      boolean isLong = rest > room.stepTokens();
      if (isLong && room.holds()) {
        passOver(entry, rest, room, passedOver);
        continue;
      }
      if (awaits(entry, prompt, cached, isLong)) {
        passedOver.withQueue(entry);
        continue;
      }
      boolean alone = entry.progress().suspect();
      boolean whole = entry.goesOn() || !profile.chunkedPrefill();
      // A prompt that no step could hold goes alone, whole or in chunks.
      boolean fits = rest <= budget || (chosen.isEmpty() && (whole || room.mayCut()));
      if (!fits || !(chosen.isEmpty() || suits(entry, chosen.getFirst()))) {
        break;
      }
      BlockTable table =
          blocks.tryAllocate(prompt, entry.request().slots(profile.speculatedTokens()));
      if (table == null) {
        break;
      }
      waiting.take(entry, rest);
      entry.joins(table, rest > budget && !whole ? budget : 0, nanoTime);
      chosen.add(entry);
      passedOver.chosen(entry);
      computing.add(entry);
      budget -= rest;
      if (alone) {
        break;
      }
    }
    return chosen;
  }

  /** Passes over a long prompt; those behind it may go before it a bounded number of times. */
  private static void passOver(Entry entry, int rest, Room room, PassedOver passedOver) {
    int steps = Math.ceilDiv(rest, room.stepTokens());
    if (entry.interrupted() || entry.overtakings() >= steps) {
      passedOver.withQueue(entry);
    } else {
      passedOver.alone(entry);
    }
  }

  /**
   * Whether another is about to compute more of its prompt than it would find in the cache. Only a
   * prompt that needs several steps itself waits for one that comes in chunks: any other is
   * computed before that one has ended.
   */
  private boolean awaits(Entry entry, PromptKey prompt, int cachedTokens, boolean isLong) {
    for (Entry other : computing) {
      if ((isLong || other.chunkTokens() == 0)
          && other.promisedTokens(prompt) > cachedTokens
          && entry.awaits(other)) {
        return true;
      }
    }
    return false;
  }

  /** Whether it has waited for something else than company. */
  private static boolean hurries(Entry entry) {
    return entry.interrupted() || entry.hasAwaited();
  }

  private static boolean suits(Entry entry, Entry first) {
    return entry.goesOn() == first.goesOn() && !entry.progress().suspect();
  }

  /** The same requests, each in a batch of its own. */
  List<PrefillBatch> split(PrefillBatch batch) {
    var parts = new ArrayList<PrefillBatch>();
    for (Entry entry : batch.entries()) {
      parts.add(new PrefillBatch(nextBatchId++, List.of(entry), batch.blockSize(), false));
    }
    return parts;
  }

  private void putBack(List<Entry> chosen, long nanoTime) {
    computing.removeAll(chosen);
    for (Entry entry : chosen.reversed()) {
      entry.leaves(nanoTime);
      waiting.putBack(entry);
    }
  }
}
