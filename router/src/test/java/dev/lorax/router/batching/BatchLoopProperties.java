package dev.lorax.router.batching;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lorax.router.adapter.AdapterKey;
import dev.lorax.router.adapter.AdapterSource;
import dev.lorax.router.adapter.AdapterStatus;
import dev.lorax.router.adapter.ResidencyLimits;
import dev.lorax.router.generation.Generation;
import dev.lorax.router.generation.GenerationSink;
import dev.lorax.router.generation.Rejection;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.jspecify.annotations.Nullable;

/**
 * The batch loop against a model of what it owes: whatever requests, cancellations and failures
 * come in whatever order, each request is answered once or has been cancelled, its tokens come in
 * order, nothing is left behind, and no rule of the shards is broken.
 */
class BatchLoopProperties {
  private static final int PREFILL_BUDGET = 120;
  private static final int PLACES = 2;
  private static final ShardProfile PROFILE =
      new ShardProfile(1, "float32", "cpu", 16, 33, 0, List.of(), ModelAbilities.GENERATION);

  private long nanos;

  /** One thing that happens between two turns. */
  sealed interface Event {
    record Ask(int promptTokens, int newTokens, int adapter) implements Event {}

    /** Cancels the request asked for that many requests ago. */
    record Cancel(int ago) implements Event {}

    record RefuseDecode() implements Event {}

    record Turns(int count) implements Event {}
  }

  @Property(tries = 300)
  void owes_nothing_in_the_end(@ForAll("histories") List<Event> history) throws Exception {
    var shards = new InMemoryShards(PROFILE, PREFILL_BUDGET, PLACES);
    var observer = new WatchingObserver();
    BatchLoop loop = loop(shards, observer);
    var asked = new ArrayList<Promise>();
    for (Event event : history) {
      switch (event) {
        case Event.Ask ask -> asked.add(ask(loop, asked.size(), ask));
        case Event.Cancel cancel -> {
          if (cancel.ago() < asked.size()) {
            asked.get(asked.size() - 1 - cancel.ago()).cancel();
          }
        }
        case Event.RefuseDecode _ -> shards.refuseNextDecode();
        case Event.Turns turns -> {
          for (int i = 0; i < turns.count(); i++) {
            turn(loop);
          }
        }
      }
      assertThat(observer.heldTokens).isLessThanOrEqualTo(PROFILE.maxBatchTotalTokens());
    }

    // Everybody alone, one token a turn, an adapter moving before each: nobody waits for longer.
    int bound = 100 + asked.stream().mapToInt(p -> p.newTokens + 12).sum();
    for (int i = 0; i < bound; i++) {
      turn(loop);
    }

    assertThat(asked).allMatch(Promise::kept);
    assertThat(observer.waiting).isZero();
    assertThat(observer.running).isZero();
    assertThat(observer.heldTokens).isZero();
    assertThat(shards.empty()).isTrue();
    assertThat(shards.violations()).isEmpty();
    assertThat(observer.bugs).isEmpty();
  }

  @Provide
  Arbitrary<List<Event>> histories() {
    Arbitrary<Event> ask =
        Combinators.combine(
                Arbitraries.integers().between(1, 150),
                Arbitraries.integers().between(1, 40),
                Arbitraries.integers().between(-1, 6))
            .as(Event.Ask::new);
    Arbitrary<Event> poison =
        Arbitraries.integers()
            .between(1, 5)
            .map(newTokens -> new Event.Ask(InMemoryShards.POISON, newTokens, 0));
    Arbitrary<Event> cancel = Arbitraries.integers().between(0, 20).map(Event.Cancel::new);
    Arbitrary<Event> turns = Arbitraries.integers().between(1, 12).map(Event.Turns::new);
    return Arbitraries.frequencyOf(
            net.jqwik.api.Tuple.of(8, ask),
            net.jqwik.api.Tuple.of(1, poison),
            net.jqwik.api.Tuple.of(3, cancel),
            net.jqwik.api.Tuple.of(6, turns),
            net.jqwik.api.Tuple.of(1, Arbitraries.of(new Event.RefuseDecode())))
        .list()
        .ofMinSize(1)
        .ofMaxSize(80);
  }

  private BatchLoop loop(InMemoryShards shards, BatchObserver observer) {
    var loop =
        new BatchLoop(
            new BatchLimits(PREFILL_BUDGET, 0.3f, 5, QueueOrder.FAIR, true),
            new ResidencyLimits(PLACES, Duration.ofNanos(5)),
            10_000,
            () -> shards,
            new BatchEnvironment(
                observer, new Backlog(Long.MAX_VALUE, Duration.ofHours(1)), () -> nanos),
            Runnable::run);
    loop.connected(shards);
    return loop;
  }

  private void turn(BatchLoop loop) throws InterruptedException {
    nanos++;
    loop.turnOnce();
  }

  private static Promise ask(BatchLoop loop, long id, Event.Ask ask) {
    AdapterKey key =
        switch (ask.adapter()) {
          case 0 -> AdapterKey.BASE;
          case -1 -> AdapterKey.of("bad", AdapterSource.LOCAL, null);
          default -> AdapterKey.of("adapter-" + ask.adapter(), AdapterSource.LOCAL, null);
        };
    var promise = new Promise(ask.newTokens());
    Entry entry =
        Entries.waiting(id, ask.promptTokens(), ask.newTokens(), key, Share.EQUAL, promise);
    promise.entry = entry;
    assertThat(loop.submit(entry)).isNull();
    return promise;
  }

  /** What a request is owed: its tokens in order and one end, unless it was cancelled. */
  private static final class Promise implements GenerationSink {
    private final int newTokens;
    private @Nullable Entry entry;
    private int tokens;
    private int ends;
    private boolean cancelled;
    private boolean broken;

    Promise(int newTokens) {
      this.newTokens = newTokens;
    }

    void cancel() {
      cancelled = true;
      Objects.requireNonNull(entry).cancel();
    }

    boolean kept() {
      return !broken && (ends == 1 || (cancelled && ends == 0));
    }

    @Override
    public void scheduled(long nanoTime) {
      broken |= ends > 0;
    }

    @Override
    public void generated(Generation generation, long nanoTime) {
      tokens++;
      broken |= ends > 0 || generation.tokens().getFirst().id() != tokens;
      if (generation.end() != null) {
        ends++;
        broken |= tokens != newTokens;
      }
    }

    @Override
    public void failed(Rejection rejection) {
      broken |= ends > 0;
      ends++;
    }
  }

  /** Keeps what the loop says of itself. */
  private static final class WatchingObserver implements BatchObserver {
    private final List<RuntimeException> bugs = new ArrayList<>();
    private int waiting;
    private int running;
    private int heldTokens;

    @Override
    public void turned(TurnState state) {
      waiting = state.waiting();
      running = state.running();
      heldTokens = state.heldTokens();
    }

    @Override
    public void tokens(int count, long gapNanos) {}

    @Override
    public void adapters(List<AdapterStatus> all) {}

    @Override
    public void unexpected(RuntimeException exception) {
      bugs.add(exception);
    }

    @Override
    public void stepSucceeded(Step step, int size, long nanosTaken) {}

    @Override
    public void stepFailed(Step step, int size, String message) {}

    @Override
    public void joined(boolean afterLongWait) {}

    @Override
    public void moved(Move move, AdapterKey adapter, long nanosTaken) {}

    @Override
    public void moveFailed(Move move, AdapterKey adapter, String message) {}

    @Override
    public void connected(ShardProfile profile) {}

    @Override
    public void lost(String reason) {}
  }
}
