package dev.lorax.router.encoding;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lorax.router.adapter.AdapterKey;
import dev.lorax.router.batching.ModelAbilities;
import dev.lorax.router.batching.Pending;
import dev.lorax.router.batching.ShardException;
import dev.lorax.router.batching.ShardProfile;
import dev.lorax.router.batching.Share;
import dev.lorax.router.encoding.EncodingOutcome.Encoded;
import dev.lorax.router.encoding.EncodingOutcome.Failed;
import dev.lorax.router.generation.Rejection;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.lifecycle.BeforeTry;

/** A loop that is turned by hand, on shards that refuse and die by a script. */
class EncodingLoopProperties implements AdapterPlaces {
  private static final int BUDGET = 100;
  private static final ShardProfile PROFILE =
      new ShardProfile(
          1, "float32", "cpu", 16, 33, 0, false, false, true, List.of(), ModelAbilities.GENERATION);

  private static final Neighbours NOBODY =
      new Neighbours() {
        @Override
        public boolean possible() {
          return false;
        }

        @Override
        public boolean present() {
          return false;
        }
      };

  private final Map<AdapterKey, Standing> standings = new HashMap<>();
  private final List<AdapterKey> wanted = new ArrayList<>();
  private final List<List<Long>> calls = new ArrayList<>();
  private long now;
  private EncodingLoop loop = loop();

  private EncodingLoop loop() {
    return new EncodingLoop(
        new EncodingLimits(BUDGET, 1000), this, NOBODY, new Silence(), () -> now);
  }

  /** Tries of a property share their object. */
  @BeforeTry
  void start() {
    loop = loop();
  }

  @Override
  public Standing standing(AdapterKey adapter, ShardProfile shards) {
    return standings.getOrDefault(adapter, new Standing.Absent());
  }

  @Override
  public void want(AdapterKey adapter) {
    wanted.add(adapter);
  }

  @Property(tries = 200)
  void every_text_gets_its_own_answer_or_a_reason(
      @ForAll long seed, @ForAll @IntRange(min = 1, max = 16) int texts) throws Exception {
    // given texts of which some fail their call, named or not, on shards that die now and then
    var random = new Random(seed);
    var entries = new ArrayList<EncodingEntry>();
    for (int i = 0; i < texts; i++) {
      entries.add(Texts.of(i, "t" + random.nextInt(3), 1 + random.nextInt(60)));
    }
    Set<Long> poisoned = Set.copyOf(List.of((long) random.nextInt(16), (long) random.nextInt(40)));
    Set<Long> named = Set.of((long) random.nextInt(40));
    loop.use(new Shards(random, poisoned, named));
    entries.forEach(entry -> loop.submit(List.of(entry)));

    // when
    for (int turn = 0; turn < 200; turn++) {
      loop.turnOnce();
      if (random.nextInt(3) == 0) {
        loop.use(new Shards(random, poisoned, named));
      }
    }

    // then
    for (EncodingEntry entry : entries) {
      switch (entry.outcome().getNow(new Failed(Rejection.overloaded()))) {
        case Encoded encoded -> assertThat(encoded.encoding().entryId()).isEqualTo(entry.id());
        case Failed(Rejection rejection) ->
            assertThat(rejection.message())
                .isIn(
                    "Server error: poison",
                    "Server error: named",
                    "Connection to the shards lost: gone");
      }
      if (poisoned.contains(entry.id()) || named.contains(entry.id())) {
        assertThat(entry.outcome().join()).isInstanceOf(Failed.class);
      }
    }
    assertThat(loop.submit(List.of(Texts.of(99, "t", 1000)))).isNull();
  }

  @Example
  void an_answer_of_the_next_shards_is_as_good() throws Exception {
    // given
    var entry = Texts.of(1, "t", 5);
    loop.submit(List.of(entry));
    loop.use(new Dying());

    // when
    loop.turnOnce();
    assertThat(entry.outcome()).isNotDone();
    loop.use(healthy());
    loop.turnOnce();

    // then
    assertThat(entry.outcome().join()).isInstanceOf(Encoded.class);
  }

  @Example
  void a_text_that_is_there_whenever_shards_die_is_not_tried_for_ever() throws Exception {
    var entry = Texts.of(1, "t", 5);
    loop.submit(List.of(entry));

    for (int i = 0; i < 2; i++) {
      loop.use(new Dying());
      loop.turnOnce();
    }

    assertThat(reason(entry)).isEqualTo("Connection to the shards lost: gone");
  }

  @Example
  void refuses_what_would_wait_beyond_the_bound() throws Exception {
    assertThat(loop.submit(List.of(Texts.of(1, "t", 900)))).isNull();
    assertThat(loop.submit(List.of(Texts.of(2, "t", 101)))).isEqualTo(Rejection.overloaded());
    assertThat(loop.submit(List.of(Texts.of(3, "t", 100)))).isNull();

    loop.use(healthy());
    loop.turnOnce();
    loop.turnOnce();

    assertThat(loop.submit(List.of(Texts.of(4, "t", 5000)))).isNull();
  }

  @Example
  void texts_leave_whose_client_has_gone_or_whose_time_is_over() throws Exception {
    // given
    var gone = Texts.of(1, "t", 5);
    var late =
        new EncodingEntry(
            2, EncodingTask.CLASSIFY, gone.text(), AdapterKey.BASE, Share.EQUAL, 10, null);
    loop.submit(List.of(gone, late));

    // when
    gone.cancel();
    now = 10;
    loop.turnOnce();

    // then
    assertThat(gone.outcome()).isDone();
    Failed failed = (Failed) late.outcome().join();
    assertThat(failed.rejection())
        .isEqualTo(
            Rejection.generation(
                "request waited too long in the queue: the shards are not connected"));
    loop.use(healthy());
    loop.turnOnce();
    assertThat(calls).isEmpty();
  }

  @Example
  void an_adapter_is_asked_for_once_and_used_where_it_is() throws Exception {
    // given
    AdapterKey red = Texts.adapter("red");
    var first = Texts.of(1, Share.EQUAL, 5, red);
    var second = Texts.of(2, Share.EQUAL, 5, red);
    var base = Texts.of(3, "t", 5);
    loop.use(healthy());
    loop.submit(List.of(first, second, base));

    // when
    loop.turnOnce();
    now += TimeUnit.SECONDS.toNanos(1);
    loop.turnOnce();

    // then the others do not wait for it
    assertThat(wanted).containsExactly(red);
    assertThat(base.outcome()).isDone();
    assertThat(first.outcome()).isNotDone();

    // when
    standings.put(red, new Standing.Resident(7));
    loop.turnOnce();

    // then
    assertThat(calls.getLast()).containsExactlyInAnyOrder(1L, 2L);
    assertThat(first.adapterIndex()).isEqualTo(7);
    assertThat(second.outcome()).isDone();
  }

  @Example
  void an_adapter_is_not_asked_for_before_the_shards_are_known_where_it_is_loaded()
      throws Exception {
    // given
    AdapterKey red = Texts.adapter("red");
    standings.put(red, new Standing.Unknown());
    loop.use(healthy());
    loop.submit(List.of(Texts.of(1, Share.EQUAL, 5, red)));

    // when
    loop.turnOnce();
    List<AdapterKey> before = List.copyOf(wanted);
    standings.put(red, new Standing.Absent());
    loop.turnOnce();

    // then
    assertThat(before).isEmpty();
    assertThat(wanted).containsExactly(red);
  }

  @Example
  void an_adapter_that_failed_is_tried_again_for_who_comes_later() throws Exception {
    // given one that failed before anybody here needed it
    AdapterKey bad = Texts.adapter("bad");
    standings.put(bad, new Standing.Failed("not found"));
    loop.use(healthy());
    var early = Texts.of(1, Share.EQUAL, 5, bad);
    loop.submit(List.of(early));

    // when
    loop.turnOnce();
    assertThat(early.outcome()).isNotDone();
    now += TimeUnit.SECONDS.toNanos(1);
    loop.turnOnce();

    // then
    assertThat(reason(early)).isEqualTo("not found");
    assertThat(wanted).hasSize(1);

    // when
    now += TimeUnit.SECONDS.toNanos(10);
    var later = Texts.of(2, Share.EQUAL, 5, bad);
    loop.submit(List.of(later));
    loop.turnOnce();

    // then
    assertThat(wanted).hasSize(2);
    assertThat(later.outcome()).isNotDone();
  }

  @Example
  void an_adapter_that_gave_way_during_a_call_is_brought_back() throws Exception {
    // given
    AdapterKey red = Texts.adapter("red");
    standings.put(red, new Standing.Resident(7));
    var entry = Texts.of(1, Share.EQUAL, 5, red);
    loop.submit(List.of(entry));
    loop.use(
        new Scripted() {
          @Override
          List<Encoding> answer(List<EncodingEntry> entries) throws ShardException {
            if (standings.get(red) instanceof Standing.Resident(int index) && index == 7) {
              standings.put(red, new Standing.Absent());
              throw new ShardException.Refused("index 7 is not loaded", null, false, List.of(1L));
            }
            return embedded(entries);
          }
        });

    // when
    loop.turnOnce();
    assertThat(entry.outcome()).isNotDone();
    standings.put(red, new Standing.Resident(8));
    loop.turnOnce();

    // then
    assertThat(entry.outcome().join()).isInstanceOf(Encoded.class);
    assertThat(entry.adapterIndex()).isEqualTo(8);
  }

  private static String reason(EncodingEntry entry) {
    return ((Failed) entry.outcome().join()).rejection().message();
  }

  private Scripted healthy() {
    return new Shards(new Random(1), Set.of(), Set.of(), false);
  }

  private static List<Encoding> embedded(List<EncodingEntry> entries) {
    return entries.stream()
        .<Encoding>map(entry -> new Encoding.Embedding(entry.id(), new float[] {1}))
        .toList();
  }

  /** Remembers its calls. */
  private abstract class Scripted implements EncodingShards {
    abstract List<Encoding> answer(List<EncodingEntry> entries) throws ShardException;

    @Override
    public ShardProfile profile() {
      return PROFILE;
    }

    @Override
    public Pending<List<Encoding>> encode(EncodingTask task, List<EncodingEntry> entries) {
      int tokens = entries.stream().mapToInt(entry -> entry.text().length()).sum();
      assertThat(entries.size() == 1 || tokens <= BUDGET).isTrue();
      calls.add(entries.stream().map(EncodingEntry::id).toList());
      return () -> answer(entries);
    }
  }

  private final class Dying extends Scripted {
    @Override
    List<Encoding> answer(List<EncodingEntry> entries) throws ShardException {
      throw new ShardException.Lost("gone", null);
    }
  }

  /** Refuses some texts for good, and may die at any call. */
  private final class Shards extends Scripted {
    private final Random random;
    private final Set<Long> poisoned;
    private final Set<Long> named;
    private final boolean mortal;

    Shards(Random random, Set<Long> poisoned, Set<Long> named) {
      this(random, poisoned, named, true);
    }

    Shards(Random random, Set<Long> poisoned, Set<Long> named, boolean mortal) {
      this.random = random;
      this.poisoned = poisoned;
      this.named = named;
      this.mortal = mortal;
    }

    @Override
    List<Encoding> answer(List<EncodingEntry> entries) throws ShardException {
      if (mortal && random.nextInt(10) == 0) {
        throw new ShardException.Lost("gone", null);
      }
      List<Long> ids = entries.stream().map(EncodingEntry::id).toList();
      List<Long> culprits = ids.stream().filter(named::contains).toList();
      if (!culprits.isEmpty()) {
        throw new ShardException.Refused("named", null, false, culprits);
      }
      if (ids.stream().anyMatch(poisoned::contains)) {
        throw new ShardException.Refused("poison", null);
      }
      return embedded(entries);
    }
  }

  private static final class Silence implements EncodingObserver {
    @Override
    public void texts(int waiting, long waitingTokens, int running) {
      assertThat(waiting).isNotNegative();
      assertThat(waitingTokens).isNotNegative();
    }

    @Override
    public void unexpected(RuntimeException exception) {
      throw exception;
    }

    @Override
    public void stepSucceeded(Step step, int size, long nanos) {}

    @Override
    public void stepFailed(Step step, int size, String message) {}
  }
}
