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
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.statistics.Statistics;
import org.jspecify.annotations.Nullable;

/**
 * The batch loop against a model of what it owes: whatever requests, cancellations and failures
 * come in whatever order, each request is answered once or has been cancelled, its tokens come in
 * order, nothing is left behind, and no rule of the shards is broken.
 */
class BatchLoopProperties {
  private static final int PREFILL_BUDGET = 120;
  private static final int PLACES = 2;

  /** Blocks so small that prompts share some, and shards that chunk prompts or do not. */
  private static ShardProfile profile(boolean chunkedPrefill) {
    return new ShardProfile(1, "float32", "cpu", 4, 129, 0, chunkedPrefill, List.of());
  }

  private long nanos;

  /** One thing that happens between two turns. */
  sealed interface Event {
    /**
     * @param common tokens at its beginning that are the same in all prompts
     */
    record Ask(int promptTokens, int common, int newTokens, int adapter) implements Event {}

    /** Cancels the request asked for that many requests ago. */
    record Cancel(int ago) implements Event {}

    record RefuseDecode() implements Event {}

    /** The next step fails over the running request that is the oldest. */
    record BlameOldest() implements Event {}

    record Turns(int count) implements Event {}
  }

  @Property(tries = 400)
  void owes_nothing_in_the_end(
      @ForAll("histories") List<Event> history, @ForAll boolean chunkedPrefill) throws Exception {
    var shards = new InMemoryShards(profile(chunkedPrefill), PREFILL_BUDGET, PLACES);
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
        case Event.BlameOldest _ -> shards.blameOldest();
        case Event.Turns turns -> {
          for (int i = 0; i < turns.count(); i++) {
            turn(loop);
          }
        }
      }
      assertThat(observer.heldTokens).isLessThanOrEqualTo(128 * 4);
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
    assertThat(observer.broken).isFalse();
    Statistics.label("prefix hits").collect(observer.hits > 0);
    if (chunkedPrefill) {
      Statistics.label("chunked prompts").collect(shards.chunks() > 0);
    }
  }

  @Example
  void a_culprit_takes_the_prefixes_of_its_adapter_along() throws Exception {
    var shards = new InMemoryShards(profile(true), PREFILL_BUDGET, PLACES);
    var observer = new WatchingObserver();
    BatchLoop loop = loop(shards, observer);
    var question = new Event.Ask(30, 30, 5, 0);
    askAndTurn(loop, 0, question, 6);
    askAndTurn(loop, 1, question, 1);
    assertThat(observer.hits).as("hits of the second").isEqualTo(1);

    shards.blameOldest();
    turn(loop);
    askAndTurn(loop, 2, question, 6);
    assertThat(observer.hits).as("hits after a failure").isEqualTo(1);

    askAndTurn(loop, 3, question, 6);
    assertThat(observer.hits).as("hits of the next").isEqualTo(2);
  }

  private void askAndTurn(BatchLoop loop, long id, Event.Ask question, int turns)
      throws InterruptedException {
    ask(loop, id, question);
    for (int i = 0; i < turns; i++) {
      turn(loop);
    }
  }

  @Provide
  Arbitrary<List<Event>> histories() {
    Arbitrary<Event> ask =
        Combinators.combine(
                Arbitraries.integers().between(1, 150),
                Arbitraries.of(0, 30, 150),
                Arbitraries.integers().between(1, 40),
                Arbitraries.integers().between(-1, 6))
            .as(Event.Ask::new);
    Arbitrary<Event> poison =
        Arbitraries.integers()
            .between(1, 5)
            .map(newTokens -> new Event.Ask(InMemoryShards.POISON, 0, newTokens, 0));
    Arbitrary<Event> cancel = Arbitraries.integers().between(0, 20).map(Event.Cancel::new);
    Arbitrary<Event> turns = Arbitraries.integers().between(1, 12).map(Event.Turns::new);
    return Arbitraries.frequencyOf(
            net.jqwik.api.Tuple.of(8, ask),
            net.jqwik.api.Tuple.of(1, poison),
            net.jqwik.api.Tuple.of(3, cancel),
            net.jqwik.api.Tuple.of(6, turns),
            net.jqwik.api.Tuple.of(
                1, Arbitraries.of(new Event.RefuseDecode(), new Event.BlameOldest())))
        .list()
        .ofMinSize(1)
        .ofMaxSize(80);
  }

  private BatchLoop loop(InMemoryShards shards, BatchObserver observer) {
    var loop =
        new BatchLoop(
            new BatchLimits(PREFILL_BUDGET, PREFILL_BUDGET, 0.3f, 5, QueueOrder.FAIR, true, true),
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
        Entries.waiting(id, prompt(ask, (int) id), ask.newTokens(), key, Share.EQUAL, promise);
    promise.entry = entry;
    assertThat(loop.submit(entry)).isNull();
    return promise;
  }

  private static int[] prompt(Event.Ask ask, int id) {
    var ids = new int[ask.promptTokens()];
    Arrays.fill(ids, Math.min(ask.common(), ids.length), ids.length, 1 + id % 3);
    return ids;
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
    private boolean broken;
    private int hits;

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
    public void joined(Joining joining) {}

    @Override
    public void prompted(int promptTokens, int cachedTokens) {
      broken |= cachedTokens >= promptTokens;
      hits += cachedTokens > 0 ? 1 : 0;
    }

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
