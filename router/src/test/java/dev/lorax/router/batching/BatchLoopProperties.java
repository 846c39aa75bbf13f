package dev.lorax.router.batching;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lorax.router.adapter.AdapterKey;
import dev.lorax.router.adapter.AdapterSource;
import dev.lorax.router.adapter.ResidencyLimits;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.statistics.Statistics;

/**
 * The batch loop against a model of what it owes: whatever requests, cancellations and failures
 * come in whatever order, each request is answered once or has been cancelled, its tokens come in
 * order, nothing is left behind, and no rule of the shards is broken.
 */
class BatchLoopProperties {
  private static final int PREFILL_BUDGET = 120;
  private static final int PLACES = 2;
  private static final ShardProfile PROFILE = profile(true, true);
  private static final ShardProfile UPSTREAM = profile(false, false);

  // Made anew for each try.
  private List<InMemoryShards> epochs = List.of();
  private Map<Long, Integer> lostSteps = Map.of();
  private Deque<Runnable> connectors = new ArrayDeque<>();
  private long nanos;
  private int outage;

  /** One thing that happens between two turns, or while a step is under way. */
  sealed interface Event {
    /**
     * @param common tokens at its beginning that are the same in all prompts
     */
    record Ask(int promptTokens, int common, int newTokens, int adapter) implements Event {}

    /** Cancels the request asked for that many requests ago. */
    record Cancel(int ago) implements Event {}

    record RefuseDecode() implements Event {}

    /** The shards end in their next step and others come that many turns later. */
    record Lose(int turns) implements Event {}

    /** The next step fails over the running request that is the oldest. */
    record BlameOldest() implements Event {}

    record Turns(int count) implements Event {}

    /** A request that comes, or is cancelled, in the middle of the next step. */
    record During(Event event) implements Event {}
  }

  @Property(tries = 400)
  void owes_nothing_in_the_end(
      @ForAll("histories") List<Event> history,
      @ForAll boolean chunkedPrefill,
      @ForAll boolean holdsPrompts)
      throws Exception {
    var observer = new WatchingObserver();
    boolean holds = chunkedPrefill && holdsPrompts;

    List<Promise> asked = play(history, profile(chunkedPrefill, holds, true), observer);

    assertThat(asked).allMatch(Promise::kept);
    Statistics.label("prefix hits").collect(observer.hits > 0);
    if (chunkedPrefill) {
      Statistics.label("chunked prompts")
          .collect(epochs.stream().anyMatch(shards -> shards.chunks() > 0));
      Statistics.label("steps that nobody asked for")
          .collect(epochs.stream().anyMatch(shards -> shards.unasked() > 0));
    }
    // Nobody fails over lost shards who was not there more often than a coincidence explains.
    for (Promise promise : asked) {
      int times = lostSteps.getOrDefault(promise.id, 0);
      boolean failed = promise.failedBecause("shards lost");
      assertThat(failed).isEqualTo(times == 3 && (failed || !promise.cancelled));
      assertThat(times).isLessThanOrEqualTo(3);
    }
    assertClean(observer);
  }

  @Property(tries = 100)
  void shards_that_cannot_resume_fail_what_has_generated_and_nothing_else(
      @ForAll("histories") List<Event> history) throws Exception {
    var observer = new WatchingObserver();

    List<Promise> asked = play(history, UPSTREAM, observer);

    assertThat(asked).allMatch(Promise::kept);
    // Whoever had no token yet is prefilled again by any shards.
    assertThat(asked)
        .filteredOn(promise -> promise.failedBecause("shards lost"))
        .allMatch(promise -> promise.tokens > 0 || lostSteps.getOrDefault(promise.id, 0) == 3);
    assertClean(observer);
  }

  @Property(tries = 100)
  void a_request_that_ends_shards_takes_nobody_along(
      @ForAll @IntRange(max = 12) int before,
      @ForAll @IntRange(max = 12) int after,
      @ForAll @IntRange(max = 8) int turns)
      throws Exception {
    var history = new ArrayList<Event>();
    for (int i = 0; i < before; i++) {
      history.add(new Event.Ask(20 + i, 0, 20, i % 3));
    }
    history.add(new Event.Turns(turns + 1));
    history.add(new Event.Ask(InMemoryShards.DEADLY, 0, 20, 1));
    for (int i = 0; i < after; i++) {
      history.add(new Event.Ask(60 + i, 0, 20, i % 3));
    }
    var observer = new WatchingObserver();

    List<Promise> asked = play(history, PROFILE, observer);

    assertThat(asked).allMatch(Promise::kept);
    Promise culprit = asked.get(before);
    assertThat(culprit.failedBecause("3 times shards were lost in a step with it")).isTrue();
    assertThat(asked).filteredOn(promise -> promise != culprit).allMatch(p -> p.tokens == 20);
    assertThat(epochs).hasSize(4);
    assertClean(observer);
  }

  private void assertClean(WatchingObserver observer) {
    assertThat(observer.waiting).isZero();
    assertThat(observer.running).isZero();
    assertThat(observer.heldTokens).isZero();
    assertThat(epochs.getLast().empty()).isTrue();
    assertThat(epochs).allSatisfy(shards -> assertThat(shards.violations()).isEmpty());
    assertThat(observer.bugs).isEmpty();
    assertThat(observer.broken).isFalse();
  }

  /** All that happens, and what follows from it. */
  private List<Promise> play(List<Event> history, ShardProfile profile, WatchingObserver observer)
      throws InterruptedException {
    begin();
    BatchLoop loop = loop(profile, observer);
    var asked = new ArrayList<Promise>();
    for (Event event : history) {
      happen(loop, asked, event);
      assertThat(observer.heldTokens).isLessThanOrEqualTo(128 * 4);
    }
    epochs.getLast().nothingDuringNextStep();

    // Everybody alone, one token a turn, an adapter moving before each: nobody waits for longer.
    int once = 100 + asked.stream().mapToInt(p -> p.newTokens + 12).sum();
    int bound = once * (1 + Progress.MOST_RESUMPTIONS);
    for (int i = 0; i < bound; i++) {
      turn(loop);
    }
    return asked;
  }

  private void happen(BatchLoop loop, List<Promise> asked, Event event)
      throws InterruptedException {
    switch (event) {
      case Event.Ask ask -> asked.add(ask(loop, asked.size(), ask));
      case Event.Cancel cancel -> cancel(asked, cancel.ago());
      case Event.RefuseDecode _ -> epochs.getLast().refuseNextDecode();
      case Event.BlameOldest _ -> epochs.getLast().blameOldest();
      case Event.Lose lose -> {
        epochs.getLast().endInNextStep();
        outage = lose.turns();
      }
      case Event.Turns turns -> {
        for (int i = 0; i < turns.count(); i++) {
          turn(loop);
        }
      }
      case Event.During(Event.Ask ask) ->
          epochs.getLast().duringNextStep(() -> asked.add(ask(loop, asked.size(), ask)));
      case Event.During(Event.Cancel cancel) ->
          epochs.getLast().duringNextStep(() -> cancel(asked, cancel.ago()));
      case Event.During during -> throw new IllegalArgumentException(during.toString());
    }
  }

  private static void cancel(List<Promise> asked, int ago) {
    if (ago < asked.size()) {
      asked.get(asked.size() - 1 - ago).cancel();
    }
  }

  private void begin() {
    epochs = new ArrayList<>();
    lostSteps = new HashMap<>();
    connectors = new ArrayDeque<>();
    outage = 0;
  }

  /** Blocks so small that prompts share some, and shards that chunk prompts or do not. */
  private static ShardProfile profile(boolean chunkedPrefill, boolean resumes) {
    return profile(chunkedPrefill, chunkedPrefill, resumes);
  }

  private static ShardProfile profile(
      boolean chunkedPrefill, boolean holdsPrompts, boolean resumes) {
    return new ShardProfile(
        1,
        "float32",
        "cpu",
        4,
        129,
        0,
        chunkedPrefill,
        holdsPrompts,
        resumes,
        List.of(),
        ModelAbilities.GENERATION);
  }

  @Example
  void a_culprit_takes_the_prefixes_of_its_adapter_along() throws Exception {
    begin();
    var observer = new WatchingObserver();
    BatchLoop loop = loop(PROFILE, observer);
    var question = new Event.Ask(30, 30, 5, 0);
    askAndTurn(loop, 0, question, 6);
    askAndTurn(loop, 1, question, 1);
    assertThat(observer.hits).as("hits of the second").isEqualTo(1);

    epochs.getLast().blameOldest();
    turn(loop);
    askAndTurn(loop, 2, question, 6);
    assertThat(observer.hits).as("hits after a failure").isEqualTo(1);

    askAndTurn(loop, 3, question, 6);
    assertThat(observer.hits).as("hits of the next").isEqualTo(2);
  }

  @Example
  void short_prompts_go_between_the_chunks_of_a_long_one() throws Exception {
    begin();
    BatchLoop loop = loop(PROFILE, new WatchingObserver());
    epochs.getLast().neverRun();
    Promise stream = ask(loop, 0, new Event.Ask(3, 0, 30, 0));
    turn(loop);
    Promise longOne = ask(loop, 1, new Event.Ask(2 * PREFILL_BUDGET + 10, 0, 3, 0));
    turn(loop);
    var shorts = new ArrayList<Promise>();
    for (int id = 2; id < 5; id++) {
      shorts.add(ask(loop, id, new Event.Ask(PREFILL_BUDGET / 2 + 1, 0, 4, 0)));
    }

    // One between two chunks, then a chunk, then one beside the last chunk, which leaves room.
    turn(loop);
    assertThat(shorts).extracting(Promise::generated).containsExactly(1, 0, 0);
    turn(loop);
    assertThat(shorts).extracting(Promise::generated).containsExactly(2, 0, 0);
    assertThat(longOne.generated()).isZero();
    turn(loop);
    assertThat(shorts).extracting(Promise::generated).containsExactly(3, 1, 0);
    assertThat(longOne.generated()).isEqualTo(1);

    // Nobody's stream has paused.
    assertThat(stream.generated()).isEqualTo(5);
    assertThat(epochs.getLast().violations()).isEmpty();
  }

  @Example
  void shards_go_on_while_nobody_could_come_in() throws Exception {
    begin();
    BatchLoop loop = loop(PROFILE, new WatchingObserver());
    InMemoryShards shards = epochs.getLast();
    ask(loop, 0, new Event.Ask(10, 0, 40, 0));
    for (int i = 0; i < 10; i++) {
      turn(loop);
    }
    assertThat(shards.unasked()).isEqualTo(10);

    // In the first turn the step is made that had begun, in the second the run has been ended.
    Promise second = ask(loop, 1, new Event.Ask(10, 0, 40, 0));
    turn(loop);
    turn(loop);
    assertThat(second.generated()).isZero();
    turn(loop);
    assertThat(second.generated()).isEqualTo(1);

    assertThat(shards.violations()).isEmpty();
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
    Arbitrary<Event> deadly =
        Arbitraries.integers()
            .between(1, 5)
            .map(newTokens -> new Event.Ask(InMemoryShards.DEADLY, 0, newTokens, 1));
    Arbitrary<Event> lose = Arbitraries.integers().between(0, 20).map(Event.Lose::new);
    Arbitrary<Event> cancel = Arbitraries.integers().between(0, 20).map(Event.Cancel::new);
    Arbitrary<Event> turns = Arbitraries.integers().between(1, 12).map(Event.Turns::new);
    return Arbitraries.frequencyOf(
            net.jqwik.api.Tuple.of(8, ask),
            net.jqwik.api.Tuple.of(1, poison),
            net.jqwik.api.Tuple.of(1, deadly),
            net.jqwik.api.Tuple.of(1, lose),
            net.jqwik.api.Tuple.of(3, cancel),
            net.jqwik.api.Tuple.of(4, ask.map(Event.During::new)),
            net.jqwik.api.Tuple.of(1, cancel.map(Event.During::new)),
            net.jqwik.api.Tuple.of(6, turns),
            net.jqwik.api.Tuple.of(
                1, Arbitraries.of(new Event.RefuseDecode(), new Event.BlameOldest())))
        .list()
        .ofMinSize(1)
        .ofMaxSize(80);
  }

  private BatchLoop loop(ShardProfile profile, BatchObserver observer) {
    var loop =
        new BatchLoop(
            new BatchLimits(PREFILL_BUDGET, PREFILL_BUDGET, 0.3f, 5, QueueOrder.FAIR, true, true),
            new ResidencyLimits(PLACES, Duration.ofNanos(5)),
            10_000,
            () -> epoch(profile),
            new BatchEnvironment(
                observer, new Backlog(Long.MAX_VALUE, Duration.ofHours(1)), () -> nanos),
            Runnable::run,
            connectors::add);
    loop.connected(epoch(profile));
    return loop;
  }

  private InMemoryShards epoch(ShardProfile profile) {
    epochs.add(new InMemoryShards(profile, PREFILL_BUDGET, PLACES, lostSteps));
    return epochs.getLast();
  }

  private void turn(BatchLoop loop) throws InterruptedException {
    nanos++;
    if (!connectors.isEmpty() && outage-- <= 0) {
      connectors.remove().run();
    }
    loop.turnOnce();
  }

  private static Promise ask(BatchLoop loop, long id, Event.Ask ask) {
    AdapterKey key =
        switch (ask.adapter()) {
          case 0 -> AdapterKey.BASE;
          case -1 -> AdapterKey.of("bad", AdapterSource.LOCAL, null);
          default -> AdapterKey.of("adapter-" + ask.adapter(), AdapterSource.LOCAL, null);
        };
    var promise = new Promise(id, ask.newTokens());
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
}
