package dev.lorax.router.batching;

import dev.lorax.router.adapter.Adapter;
import dev.lorax.router.batching.BatchObserver.Joining;
import dev.lorax.router.batching.StepObserver.Step;
import dev.lorax.router.generation.Rejection;
import dev.lorax.router.kvcache.BlockPool;
import dev.lorax.router.kvcache.PrefixOwner;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The batch loop's work with one epoch of shards. Confined to the batch loop.
 *
 * <p>Where the shards chunk prompts, new requests make their first step together with the running
 * ones, as far as a step has room for both; otherwise a step is a Prefill or a Decode. While nobody
 * could come in, the shards go on in a {@link Run}, and a turn is what comes of its next step.
 *
 * <p>A Prefill that fails is tried again request by request, so it takes only the culprit along; a
 * Decode that fails takes along those whom the shards name, or all. Any other {@link
 * ShardException} leaves {@link #turn}: the state of the shards is then unknown and the session
 * must be abandoned.
 */
final class BatchSession {
  private final ShardGroup shards;
  private final BatchLimits limits;
  private final BlockPool blocks;
  private final WaitingEntries waiting;
  private final Scheduler scheduler;
  private final BatchObserver observer;
  private final Ticker ticker;
  private final Meanwhile meanwhile;
  private final RunningBatch running = new RunningBatch();
  private final Delivery delivery;
  private final CurrentRun run;
  private int stepsSinceJoin;
  private Collection<Entry> stepping = List.of();

  /**
   * @param meanwhile returns when the call has been answered, or sooner
   */
  BatchSession(
      ShardGroup shards,
      BatchLimits limits,
      WaitingEntries waiting,
      BatchObserver observer,
      Ticker ticker,
      Meanwhile meanwhile) {
    ShardProfile profile = shards.profile();
    this.shards = shards;
    this.limits = limits;
    this.blocks = new BlockPool(profile.totalBlocks(), profile.blockSize(), limits.prefixCaching());
    this.waiting = waiting;
    this.scheduler = new Scheduler(limits, waiting, blocks, profile);
    this.observer = observer;
    this.ticker = ticker;
    this.meanwhile = meanwhile;
    this.delivery = new Delivery(running, observer, ticker);
    this.run = new CurrentRun(shards);
  }

  ShardGroup shards() {
    return shards;
  }

  /** Lets out who has ended or gone, lets in who waits, and makes one step. */
  void turn() throws ShardException, InterruptedException {
    Pending<StepResult> next = run.next();
    long now = ticker.nanos();
    if (next == null) {
      running.leaveCancelled(now);
      end(running.leaveOverrun(now));
      filter();
      boolean stepped = shards.profile().chunkedPrefill() ? join() : interrupt();
      if (!stepped && !running.isEmpty()) {
        decode(shards.decode(running.cached(), run.begins(runOfDecodes())));
      }
    } else {
      if (running.anyoneLeaves(now)) {
        run.end();
      }
      decode(next);
    }
    if (running.isEmpty()) {
      delivery.flush();
    }
  }

  /** Something has happened that may let somebody in who waits. */
  void lookAgain() {
    if (waiting.size() > 0) {
      run.end();
    }
  }

  /**
   * Those who wait could not come in now. They can when a request ends, when they are told of by
   * {@link #lookAgain}, or when prompts that come in chunks leave more of the budget.
   */
  private Run runOfDecodes() {
    if (waiting.size() == 0) {
      return Run.UNTIL_TOLD;
    }
    // Where new requests interrupt those that run, it is counted how many steps they have waited.
    boolean canWait = shards.profile().chunkedPrefill() && running.nextPromptTokens() == 0;
    return canWait ? Run.UNTIL_A_REQUEST_ENDS : Run.NONE;
  }

  /** Whether a turn would do nothing unless somebody waits. */
  boolean idle() {
    return running.isEmpty() && running.cached().isEmpty();
  }

  TurnState state(int waiting, long waitingTokens) {
    return new TurnState(
        waiting,
        waitingTokens,
        running.size(),
        blocks.heldBlocks(),
        blocks.idleBlocks(),
        blocks.usableBlocks(),
        blocks.blockSize());
  }

  /** What was computed with the adapter is no longer what it computes when it comes back. */
  void forgetPrefixes(Adapter adapter) {
    blocks.forget(new PrefixOwner(adapter.index(), adapter.loads()));
  }

  /** Lets out everything that runs, with what it has got. */
  List<Entry> abandon() {
    delivery.flush();
    return running.leaveAll(ticker.nanos());
  }

  /** Requests whose step was under way when {@link #turn} failed. */
  Set<Entry> stepping() {
    return Set.copyOf(stepping);
  }

  private void end(List<Entry> overrun) {
    if (overrun.isEmpty()) {
      return;
    }
    delivery.flush();
    var rejection = Rejection.generation("the request took longer than the server allows");
    overrun.forEach(entry -> entry.sink().failed(rejection));
  }

  /** New requests make their first step with those that run; whether all have made one now. */
  private boolean join() throws ShardException, InterruptedException {
    PrefillBatch batch = scheduler.next(0, running.nextPromptTokens(), ticker.nanos());
    if (batch == null) {
      return false;
    }
    if (!running.isEmpty()) {
      observer.joined(Joining.CHUNKING);
    }
    List<CachedBatch> cached = running.cached();
    // After a failure there may be several; the next Decode makes one of them.
    CachedBatch beside = cached.size() == 1 && !batch.goesOn() ? cached.getFirst() : null;
    boolean all = cached.isEmpty() || beside != null;
    prefill(batch, beside, all && waiting.size() == 0 ? Run.UNTIL_TOLD : Run.NONE);
    if (run.next() == null) {
      filter();
    }
    return all;
  }

  /** New requests are prefilled while those that run wait; false, as these have made no step. */
  private boolean interrupt() throws ShardException, InterruptedException {
    boolean waitedLong = stepsSinceJoin >= limits.maxWaitingSteps();
    int minSize = waitedLong ? 0 : (int) (running.size() * limits.waitingServedRatio());
    PrefillBatch batch = scheduler.next(minSize, 0, ticker.nanos());
    if (batch != null && !running.isEmpty()) {
      observer.joined(waitedLong && minSize == 0 ? Joining.LONG_WAIT : Joining.RATIO);
    }
    while (batch != null) {
      stepsSinceJoin = 0;
      prefill(batch, null, Run.NONE);
      filter();
      batch = limits.eagerPrefill() ? scheduler.next(minSize, 0, ticker.nanos()) : null;
    }
    return false;
  }

  /**
   * @param beside the only cached batch, which makes a step along with the new one; or null
   */
  private void prefill(PrefillBatch batch, @Nullable CachedBatch beside, Run after)
      throws ShardException, InterruptedException {
    running.enter(batch.entries());
    stepping = beside == null ? batch.entries() : running.all();
    long start = ticker.nanos();
    try {
      Pending<StepResult> call = shards.prefill(batch, beside, run.begins(after));
      batch.entries().forEach(entry -> entry.schedule(start));
      StepResult result = send(call);
      run.answered(result);
      stepping = List.of();
      observer.stepSucceeded(Step.PREFILL, batch.entries().size(), ticker.nanos() - start);
      resumed(batch);
      if (beside != null) {
        running.replace(List.of());
      }
      delivery.deliver(result, beside == null ? batch.entries() : running.all());
      if (result.batch() != null) {
        running.add(result.batch());
      }
    } catch (ShardException.Refused e) {
      run.failed();
      stepping = List.of();
      observer.stepFailed(Step.PREFILL, batch.entries().size(), e.reason());
      distrust(e);
      // One of several shards may have kept the batch.
      send(shards.clear(batch.id()));
      if (beside == null) {
        isolate(batch, rejection(e));
      } else {
        separate(batch, beside, e);
      }
    }
  }

  /** Finds out whether those that ran or those that came made their common step fail. */
  private void separate(PrefillBatch batch, CachedBatch beside, ShardException.Refused refused)
      throws ShardException, InterruptedException {
    List<Entry> culprits = culprits(refused);
    culprits.removeAll(batch.entries());
    delivery.fail(culprits, rejection(refused));
    List<Long> before = running.alive(beside);
    try {
      // One of several shards may have taken the new requests in.
      running.replace(before.isEmpty() ? List.of() : List.of(send(shards.filter(beside, before))));
      if (before.isEmpty()) {
        send(shards.clear(beside.id()));
      }
    } catch (ShardException.Refused _) {
      // Upstream's shards have taken the batch out of their cache before they failed.
      delivery.fail(
          running.all().stream().filter(e -> before.contains(e.id())).toList(), rejection(refused));
      running.replace(List.of());
      send(shards.clearAll());
    }
    for (PrefillBatch alone : scheduler.split(batch)) {
      prefill(alone, null, Run.NONE);
    }
  }

  private void resumed(PrefillBatch batch) {
    int resumed = 0;
    for (Entry entry : batch.entries()) {
      if (entry.progress().resume()) {
        resumed++;
      }
    }
    if (resumed > 0) {
      observer.resumed(resumed);
    }
  }

  /** Finds the request that made a Prefill fail by giving each a Prefill of its own. */
  private void isolate(PrefillBatch failed, Rejection rejection)
      throws ShardException, InterruptedException {
    if (failed.entries().size() == 1) {
      delivery.fail(failed.entries(), rejection);
      return;
    }
    for (PrefillBatch alone : scheduler.split(failed)) {
      prefill(alone, null, Run.NONE);
    }
  }

  private void decode(Pending<StepResult> step) throws ShardException, InterruptedException {
    long start = ticker.nanos();
    int size = running.size();
    stepping = running.all();
    try {
      StepResult result = send(step);
      run.answered(result);
      stepping = List.of();
      observer.stepSucceeded(Step.DECODE, size, ticker.nanos() - start);
      stepsSinceJoin++;
      running.replace(result.batch() == null ? List.of() : List.of(result.batch()));
      delivery.deliver(result, running.all());
    } catch (ShardException.Refused e) {
      run.failed();
      stepping = List.of();
      observer.stepFailed(Step.DECODE, size, e.reason());
      blame(e);
    }
  }

  /** Fails those over whom a step failed; the others make it again in the next turn. */
  private void blame(ShardException.Refused refused) throws ShardException, InterruptedException {
    distrust(refused);
    var rejection = rejection(refused);
    List<Entry> culprits = culprits(refused);
    if (!culprits.isEmpty()) {
      delivery.fail(culprits, rejection);
      // Their adapters may be offloaded before the next turn.
      filter();
      return;
    }
    // Upstream's shards have taken the batches out of their cache before they failed.
    delivery.fail(running.all(), rejection);
    running.replace(List.of());
    send(shards.clearAll());
    blocks.forgetAll();
  }

  private List<Entry> culprits(ShardException.Refused refused) {
    return running.all().stream()
        .filter(entry -> refused.culprits().contains(entry.id()))
        .collect(Collectors.toCollection(ArrayList::new));
  }

  /** What those that the shards name took from the cache may be why they failed. */
  private void distrust(ShardException.Refused refused) {
    culprits(refused).forEach(entry -> blocks.forget(entry.prefixOwner()));
  }

  private static Rejection rejection(ShardException.Refused refused) {
    return Rejection.generation("Server error: " + refused.reason());
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
    delivery.flush();
    meanwhile.during(call);
    return call.await();
  }

  /** What is done while the shards compute; it must not touch what runs. */
  interface Meanwhile {
    void during(Pending<?> call) throws InterruptedException;
  }
}
