package dev.lorax.router.batching;

import dev.lorax.router.batching.StepObserver.Step;
import dev.lorax.router.generation.Generation;
import dev.lorax.router.generation.Rejection;
import dev.lorax.router.kvcache.BlockAllocator;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The batch loop's work with one epoch of shards. Confined to the batch loop.
 *
 * <p>A Prefill that fails is tried again request by request, so it takes only the culprit along; a
 * Decode that fails takes along those whom the shards name, or all. Any other {@link
 * ShardException} leaves {@link #turn}: the state of the shards is then unknown and the session
 * must be abandoned.
 */
final class BatchSession {
  private final ShardGroup shards;
  private final BatchLimits limits;
  private final BlockAllocator allocator;
  private final Scheduler scheduler;
  private final BatchObserver observer;
  private final Ticker ticker;
  private final RunningBatch running = new RunningBatch();
  private final Outbox outbox = new Outbox();
  private int stepsSinceJoin;

  BatchSession(
      ShardGroup shards,
      BatchLimits limits,
      WaitingEntries waiting,
      BatchObserver observer,
      Ticker ticker) {
    ShardProfile profile = shards.profile();
    this.shards = shards;
    this.limits = limits;
    this.allocator = new BlockAllocator(profile.totalBlocks(), profile.blockSize());
    this.scheduler = new Scheduler(limits, waiting, allocator, profile.speculatedTokens());
    this.observer = observer;
    this.ticker = ticker;
  }

  ShardGroup shards() {
    return shards;
  }

  /** Lets out who has ended or gone, lets in who waits, and makes one step. */
  void turn() throws ShardException, InterruptedException {
    long now = ticker.nanos();
    running.leaveCancelled(now);
    end(running.leaveOverrun(now));
    filter();
    admit();
    if (!running.isEmpty()) {
      decode();
    }
    if (running.isEmpty()) {
      outbox.flush();
    }
  }

  /** Whether a turn would do nothing unless somebody waits. */
  boolean idle() {
    return running.isEmpty() && running.cached().isEmpty();
  }

  TurnState state(int waiting, long waitingTokens) {
    int usable = allocator.usableBlocks();
    int held = usable - allocator.freeBlocks();
    return new TurnState(
        waiting, waitingTokens, running.size(), held, usable, allocator.blockSize());
  }

  /** Fails everything that runs. */
  void abandon(Rejection rejection) {
    outbox.flush();
    running.leaveAll(ticker.nanos()).forEach(entry -> entry.sink().failed(rejection));
  }

  private void end(List<Entry> overrun) {
    if (overrun.isEmpty()) {
      return;
    }
    outbox.flush();
    var rejection = Rejection.generation("the request took longer than the server allows");
    overrun.forEach(entry -> entry.sink().failed(rejection));
  }

  private void admit() throws ShardException, InterruptedException {
    boolean waitedLong = stepsSinceJoin >= limits.maxWaitingSteps();
    int minSize = waitedLong ? 0 : (int) (running.size() * limits.waitingServedRatio());
    PrefillBatch batch = scheduler.next(minSize, ticker.nanos());
    if (batch != null && !running.isEmpty()) {
      observer.joined(waitedLong && minSize == 0);
    }
    while (batch != null) {
      stepsSinceJoin = 0;
      prefill(batch);
      filter();
      batch = limits.eagerPrefill() ? scheduler.next(minSize, ticker.nanos()) : null;
    }
  }

  private void prefill(PrefillBatch batch) throws ShardException, InterruptedException {
    running.enter(batch.entries());
    long start = ticker.nanos();
    try {
      Pending<StepResult> call = shards.prefill(batch);
      batch.entries().forEach(entry -> entry.sink().scheduled(start));
      StepResult result = send(call);
      observer.stepSucceeded(Step.PREFILL, batch.entries().size(), ticker.nanos() - start);
      deliver(result, batch.entries());
      if (result.batch() != null) {
        running.add(result.batch());
      }
    } catch (ShardException.Refused e) {
      observer.stepFailed(Step.PREFILL, batch.entries().size(), e.reason());
      // One of several shards may have kept the batch.
      send(shards.clear(batch.id()));
      isolate(batch, Rejection.generation("Server error: " + e.reason()));
    }
  }

  /** Finds the request that made a Prefill fail by giving each a Prefill of its own. */
  private void isolate(PrefillBatch failed, Rejection rejection)
      throws ShardException, InterruptedException {
    if (failed.entries().size() == 1) {
      fail(failed.entries(), rejection);
      return;
    }
    for (PrefillBatch alone : scheduler.split(failed)) {
      prefill(alone);
    }
  }

  private void decode() throws ShardException, InterruptedException {
    long start = ticker.nanos();
    int size = running.size();
    try {
      StepResult result = send(shards.decode(running.cached()));
      observer.stepSucceeded(Step.DECODE, size, ticker.nanos() - start);
      stepsSinceJoin++;
      running.replace(result.batch() == null ? List.of() : List.of(result.batch()));
      deliver(result, running.all());
    } catch (ShardException.Refused e) {
      observer.stepFailed(Step.DECODE, size, e.reason());
      blame(e);
    }
  }

  /** Fails those over whom a step failed; the others make it again in the next turn. */
  private void blame(ShardException.Refused refused) throws ShardException, InterruptedException {
    var rejection = Rejection.generation("Server error: " + refused.reason());
    List<Entry> culprits =
        running.all().stream().filter(entry -> refused.culprits().contains(entry.id())).toList();
    if (!culprits.isEmpty()) {
      fail(culprits, rejection);
      return;
    }
    // Upstream's shards have taken the batches out of their cache before they failed.
    fail(running.all(), rejection);
    running.replace(List.of());
    send(shards.clearAll());
  }

  private void deliver(StepResult result, Collection<Entry> stepped) {
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
        outbox.add(entry.sink(), generation);
        entry.flow().generated(generation.tokens().size());
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
    Set<Long> goingOn = batch == null ? Set.of() : Set.copyOf(batch.requestIds());
    var forgotten = new ArrayList<Entry>();
    for (Entry entry : stepped) {
      if (!goingOn.contains(entry.id()) && running.find(entry.id()) != null) {
        forgotten.add(entry);
      }
    }
    fail(forgotten, new Rejection(Rejection.Kind.INCOMPLETE, "Incomplete generation"));
  }

  private void fail(Collection<Entry> entries, Rejection rejection) {
    // What a failed request got before belongs before its failure.
    outbox.flush();
    long now = ticker.nanos();
    for (Entry entry : List.copyOf(entries)) {
      running.leave(entry, now);
      entry.sink().failed(rejection);
    }
  }

  /**
   * Makes the shards forget the requests that have left. Happens before anything is admitted: no
   * block gets a new owner while the shards still know the old one.
   */
  private void filter() throws ShardException, InterruptedException {
    var kept = new ArrayList<CachedBatch>();
    for (CachedBatch batch : running.cached()) {
      List<Long> alive = running.alive(batch);
      if (alive.isEmpty()) {
        send(shards.clear(batch.id()));
      } else if (alive.size() < batch.requestIds().size()) {
        kept.add(send(shards.filter(batch, alive)));
      } else {
        kept.add(batch);
      }
    }
    running.replace(kept);
  }

  private <T extends @Nullable Object> T send(Pending<T> call)
      throws ShardException, InterruptedException {
    outbox.flush();
    return call.await();
  }
}
