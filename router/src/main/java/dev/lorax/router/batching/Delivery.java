package dev.lorax.router.batching;

import dev.lorax.router.generation.Generation;
import dev.lorax.router.generation.Rejection;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What the running requests are told: their tokens, or why they get no more. Tokens are kept until
 * {@link #flush}, so that the next step is on its way before they are written out. Confined to the
 * batch loop.
 */
final class Delivery {
  private final RunningBatch running;
  private final BatchObserver observer;
  private final Ticker ticker;
  private final Outbox outbox = new Outbox();

  Delivery(RunningBatch running, BatchObserver observer, Ticker ticker) {
    this.running = running;
    this.observer = observer;
    this.ticker = ticker;
  }

  /** Hands over what has been kept. */
  void flush() {
    outbox.flush();
  }

  /**
   * What a step yielded; whoever ended with it leaves.
   *
   * @param stepped who made the step
   */
  void deliver(StepResult result, Collection<Entry> stepped) {
    long now = ticker.nanos();
    outbox.arrived(now);
    long gap = 0;
    int sameGap = 0;
    for (Generation generation : result.generations()) {
      Entry entry = running.find(generation.requestId());
      if (entry != null) {
        long entryGap = entry.gap(now);
        if (entryGap != gap) {
          tellGap(sameGap, gap);
          gap = entryGap;
          sameGap = 0;
        }
        sameGap++;
        if (generation.promptTokens() > 0) {
          entry.blocks().promptComputed();
          observer.prompted(generation.promptTokens(), entry.blocks().cachedTokens());
        }
        outbox.add(entry.sink(), generation);
        entry.generated(generation);
        if (generation.end() != null) {
          running.leave(entry, now);
        }
      }
    }
    tellGap(sameGap, gap);
    failForgotten(result.batch(), stepped);
  }

  /** Requests that step together have the same gaps, so they are counted together. */
  private void tellGap(int count, long gapNanos) {
    if (count > 0 && gapNanos > 0) {
      observer.tokens(count, gapNanos);
    }
  }

  /** Requests that neither ended nor go on in the shards' batch would wait for ever. */
  private void failForgotten(@Nullable CachedBatch batch, Collection<Entry> stepped) {
    List<Long> ids = batch == null ? List.of() : batch.requestIds();
    if (same(ids, stepped)) {
      return;
    }
    Set<Long> goingOn = Set.copyOf(ids);
    var forgotten = new ArrayList<Entry>();
    for (Entry entry : stepped) {
      if (!goingOn.contains(entry.id()) && running.find(entry.id()) != null) {
        forgotten.add(entry);
      }
    }
    fail(forgotten, new Rejection(Rejection.Kind.INCOMPLETE, "Incomplete generation"));
  }

  /** Whether these are the entries' ids, in their order: so it is in nearly all steps. */
  private static boolean same(List<Long> ids, Collection<Entry> entries) {
    if (ids.size() != entries.size()) {
      return false;
    }
    int place = 0;
    for (Entry entry : entries) {
      if (ids.get(place++) != entry.id()) {
        return false;
      }
    }
    return true;
  }

  /** Lets the entries out, and tells them why. */
  void fail(Collection<Entry> entries, Rejection rejection) {
    if (entries.isEmpty()) {
      return;
    }
    // What a failed request got before belongs before its failure.
    outbox.flush();
    long now = ticker.nanos();
    for (Entry entry : List.copyOf(entries)) {
      running.leave(entry, now);
      entry.sink().failed(rejection);
    }
  }
}
