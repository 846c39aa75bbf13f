package dev.lorax.router.batching;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lorax.router.adapter.AdapterKey;
import dev.lorax.router.adapter.AdapterSource;
import dev.lorax.router.adapter.AdapterTable;
import dev.lorax.router.adapter.PreloadedAdapter;
import dev.lorax.router.adapter.ResidencyLimits;
import dev.lorax.router.kvcache.BlockPool;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import net.jqwik.api.lifecycle.BeforeTry;
import org.junit.jupiter.api.Test;

/**
 * The law of fairness: between two that both wait all the time, the tokens served in proportion to
 * their weights differ by no more than one request of each.
 */
class FairnessProperties {
  private static final int TENANTS = 100;
  private static final int LARGEST_PRICE = 50 + 2 * 50;

  /** What sums of many quotients may be off. */
  private static final double ROUNDING = 1e-9;

  /** A budget that no prompt is within. */
  private static final BatchLimits ONE_AT_A_TIME =
      new BatchLimits(0, null, 0, 0, QueueOrder.FAIR, true, true);

  private static final ShardProfile PROFILE =
      new ShardProfile(
          1, "float32", "cpu", 16, 40, 0, false, false, true, List.of(), ModelAbilities.GENERATION);

  private final AdapterTable adapters = new AdapterTable(new ResidencyLimits(8, Duration.ZERO));
  private WaitingEntries waiting = new WaitingEntries(QueueOrder.FAIR);
  private Map<String, Double> served = new HashMap<>();
  private long nextId;

  FairnessProperties() {
    adapters.reset(
        IntStream.range(0, TENANTS)
            .mapToObj(i -> new PreloadedAdapter(key(i), i + 1, null))
            .toList());
  }

  @BeforeTry
  void startOver() {
    waiting = new WaitingEntries(QueueOrder.FAIR);
    served = new HashMap<>();
  }

  @Property
  void serves_those_who_always_wait_in_proportion_to_their_weights(
      @ForAll @Size(min = 2, max = 6) List<@IntRange(min = 1, max = 5) Integer> weights,
      @ForAll @Size(min = 50, max = 300) List<@IntRange(min = 1, max = 50) Integer> lengths,
      @ForAll @IntRange(min = 1, max = 60) int epoch) {
    for (int i = 0; i < weights.size(); i++) {
      ask(i, weights.get(i), 1);
    }
    int turn = 0;
    for (int length : lengths) {
      if (++turn % epoch == 0) {
        // Shards come and go; what everybody has been served stays.
        waiting.rebind(adapters, List.of());
      }
      Entry entry = serveNext(length);
      // The one that was served asks again at once, so that everybody waits all the time.
      int tenant = Integer.parseInt(entry.share().tenant());
      ask(tenant, weights.get(tenant), length);

      assertNobodyIsLeftBehind(weights.size());
    }
  }

  /** What comes out of the cache is nobody's work, so it is nobody's debt. */
  @Property
  void charges_for_what_is_computed_of_prompts_that_begin_alike(
      @ForAll @Size(min = 2, max = 6) List<@IntRange(min = 1, max = 5) Integer> weights,
      @ForAll @Size(min = 50, max = 300) List<@IntRange(min = 1, max = 50) Integer> lengths,
      @ForAll @IntRange(min = 9, max = 40) int totalBlocks) {
    // given prompts that begin alike for each adapter, and a cache that is small now and then
    var blocks = new BlockPool(totalBlocks, 16, true);
    var scheduler = new Scheduler(ONE_AT_A_TIME, waiting, blocks, PROFILE);
    for (int i = 0; i < weights.size(); i++) {
      ask(i, weights.get(i), 50);
    }
    for (int length : lengths) {
      // when
      Entry entry = Objects.requireNonNull(scheduler.next(0, 0, 0)).entries().getFirst();
      int computed = entry.request().prompt().length() - entry.blocks().cachedTokens();
      charge(entry, computed, length);
      entry.blocks().promptComputed();
      entry.leaves(0);
      int tenant = Integer.parseInt(entry.share().tenant());
      ask(tenant, weights.get(tenant), length);

      // then
      assertNobodyIsLeftBehind(weights.size());
    }
  }

  private void assertNobodyIsLeftBehind(int tenants) {
    double most = served.values().stream().mapToDouble(s -> s).max().orElse(0);
    double least = served.values().stream().mapToDouble(s -> s).min().orElse(0);
    boolean allServed = served.size() == tenants;
    assertThat(most - (allServed ? least : 0)).isLessThanOrEqualTo(LARGEST_PRICE + ROUNDING);
  }

  @Test
  void takes_a_charge_back_with_the_request() {
    var blocks = new BlockPool(40, 16, true);
    var scheduler = new Scheduler(ONE_AT_A_TIME, waiting, blocks, PROFILE);
    ask(0, 1, 40);
    Entry warm = Objects.requireNonNull(scheduler.next(0, 0, 0)).entries().getFirst();
    warm.blocks().promptComputed();
    warm.leaves(0);
    double before = warm.flow().counter();

    ask(0, 1, 40);
    assertThat(scheduler.next(2, 0, 0)).as("too few to go").isNull();

    assertThat(warm.flow().counter()).isEqualTo(before);
  }

  @Property
  void lets_no_queue_wait_longer_than_one_request_of_each_other(
      @ForAll @Size(min = 1, max = 6) List<@IntRange(min = 1, max = 50) Integer> others,
      @ForAll @IntRange(min = 0, max = 200) int before) {
    for (int i = 0; i < others.size(); i++) {
      ask(i, 1, others.get(i));
    }
    for (int i = 0; i < before; i++) {
      Entry entry = serveNext(50);
      ask(Integer.parseInt(entry.share().tenant()), 1, entry.request().prompt().length());
    }
    ask(99, 1, 50);

    int waited = 0;
    for (Entry next = serveNext(50); !next.share().tenant().equals("99"); next = serveNext(50)) {
      ask(Integer.parseInt(next.share().tenant()), 1, next.request().prompt().length());
      waited++;
    }

    // It starts level with the one served last, so each of the others may be behind by the price
    // of one of its own requests, which is at least 101.
    assertThat(waited).isLessThanOrEqualTo(2 * others.size());
  }

  @Test
  void gives_no_credit_for_having_been_idle() {
    ask(0, 1, 10);
    for (int i = 0; i < 1000; i++) {
      serveNext(10);
      ask(0, 1, 10);
    }
    int turns = 0;
    ask(1, 1, 10);
    for (int i = 0; i < 20; i++) {
      Entry entry = serveNext(10);
      turns += entry.share().tenant().equals("1") ? 1 : 0;
      ask(Integer.parseInt(entry.share().tenant()), 1, 10);
    }

    assertThat(turns).isBetween(9, 11);
  }

  @Test
  void serves_in_the_order_of_arrival_if_asked_to() {
    var arrival = new WaitingEntries(QueueOrder.ARRIVAL);
    for (int i = 0; i < 10; i++) {
      Entry entry = entry(i % 2, 1, i % 2 == 0 ? 50 : 1);
      arrival.add(entry, adapters.resolve(entry.adapterKey()));
    }
    long before = -1;
    for (Entry entry = arrival.peek(); entry != null; entry = arrival.peek()) {
      arrival.take(entry, 1);
      entry.flow().generated(50);
      assertThat(entry.id()).isGreaterThan(before);
      before = entry.id();
    }
  }

  private void ask(int tenant, int weight, int promptTokens) {
    Entry entry = entry(tenant, weight, promptTokens);
    waiting.add(entry, adapters.resolve(entry.adapterKey()));
  }

  private Entry entry(int tenant, int weight, int promptTokens) {
    return Entries.waiting(
        nextId++, promptTokens, 50, key(tenant), new Share(String.valueOf(tenant), weight));
  }

  private static AdapterKey key(int tenant) {
    return AdapterKey.of("adapter-" + tenant, AdapterSource.LOCAL, null);
  }

  private Entry serveNext(int generatedTokens) {
    Entry entry = Objects.requireNonNull(waiting.peek());
    waiting.take(entry, entry.request().prompt().length());
    charge(entry, entry.request().prompt().length(), generatedTokens);
    return entry;
  }

  private void charge(Entry entry, int computedTokens, int generatedTokens) {
    entry.flow().generated(generatedTokens);
    double price = computedTokens + 2.0 * generatedTokens;
    served.merge(entry.share().tenant(), price / entry.share().weight(), Double::sum);
  }
}
