package dev.lorax.router.adapter;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lorax.router.adapter.AdapterAction.Download;
import dev.lorax.router.adapter.AdapterAction.Load;
import dev.lorax.router.adapter.AdapterAction.Offload;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class AdapterTableTest {
  private static final Duration CYCLE = Duration.ofNanos(100);

  private final AdapterTable table = new AdapterTable(new ResidencyLimits(2, CYCLE));
  private final Set<Adapter> waiting = new HashSet<>();
  private final Map<Adapter, Double> precedence = new HashMap<>();

  @Test
  void knows_the_base_model_from_the_start() {
    Adapter base = table.resolve(AdapterKey.BASE);

    assertThat(base.index()).isZero();
    assertThat(base.admits()).isTrue();
    assertThat(table.advance(this::demand, 0)).isEmpty();
  }

  @Test
  void downloads_then_loads() {
    Adapter red = asked("red");

    assertThat(table.advance(this::demand, 0)).containsExactly(new Download(red));
    assertThat(table.advance(this::demand, 0)).isEmpty();
    table.downloaded(red, 0.1f);
    assertThat(table.advance(this::demand, 0)).containsExactly(new Load(red));
    assertThat(red.admits()).isFalse();
    table.loaded(red, null, 0);
    assertThat(red.admits()).isTrue();
  }

  @Test
  void evicts_the_idle_adapter_that_was_used_longest_ago() {
    Adapter red = ready("red", 0);
    Adapter green = ready("green", 0);
    use(red, 20);
    use(green, 10);
    Adapter blue = downloaded("blue");

    assertThat(table.advance(this::demand, 30)).containsExactly(new Offload(green));
    table.offloaded(green);
    assertThat(table.advance(this::demand, 30)).containsExactly(new Load(blue));
    assertThat(red.admits()).isTrue();
  }

  @Test
  void never_offloads_an_adapter_in_use() {
    Adapter red = ready("red", 0);
    Adapter green = ready("green", 0);
    red.acquire(0);
    green.acquire(0);
    downloaded("blue");

    assertThat(table.advance(this::demand, 1000)).isEmpty();

    // Both have had their time; the first of them takes nothing new until it is empty.
    assertThat(List.of(red, green)).filteredOn(a -> !a.admits()).hasSize(1);
    Adapter leaving = red.admits() ? green : red;
    leaving.release(1001);
    assertThat(table.advance(this::demand, 1001)).containsExactly(new Offload(leaving));
  }

  @Test
  void lets_a_busy_adapter_keep_its_place_for_a_while() {
    Adapter red = ready("red", 0);
    Adapter green = ready("green", 0);
    waiting.addAll(List.of(red, green));
    downloaded("blue");

    assertThat(table.advance(this::demand, 50)).isEmpty();
    assertThat(red.admits() && green.admits()).isTrue();
    assertThat(table.advance(this::demand, 150)).hasSize(1);
  }

  @Test
  void respects_the_adapters_memory() {
    Adapter large = asked("large");
    table.advance(this::demand, 0);
    table.downloaded(large, 0.8f);
    table.advance(this::demand, 0);
    table.loaded(large, null, 0);
    large.acquire(0);
    Adapter second = asked("second");
    table.advance(this::demand, 0);
    table.downloaded(second, 0.3f);

    assertThat(table.advance(this::demand, 1)).isEmpty();
  }

  @Test
  void forgets_adapters_nobody_waits_for() {
    Adapter red = asked("red");
    table.advance(this::demand, 0);
    waiting.clear();
    table.downloaded(red, 0.1f);

    assertThat(table.advance(this::demand, 0)).isEmpty();

    assertThat(table.resolve(red.key())).isNotSameAs(red);
  }

  @Test
  void shares_preloaded_adapters_whatever_the_token() {
    AdapterKey key = AdapterKey.of("always", AdapterSource.HUB, null);
    table.reset(List.of(new PreloadedAdapter(key, 1, null)));

    Adapter withToken =
        table.resolve(AdapterKey.of("always", AdapterSource.HUB, new ApiToken("secret")));

    assertThat(withToken.index()).isEqualTo(1);
    assertThat(withToken.preloaded()).isTrue();
  }

  @Test
  void never_gives_an_index_twice() {
    int before = asked("red").index();

    table.reset(List.of());

    assertThat(asked("green").index()).isGreaterThan(before);
  }

  @Test
  void masks_tokens() {
    assertThat(AdapterKey.of("x", AdapterSource.HUB, new ApiToken("secret")).toString())
        .doesNotContain("secret");
  }

  @Test
  void gives_a_place_to_whose_requests_go_first() {
    Adapter red = ready("red", 0);
    ready("green", 0).acquire(0);
    Adapter blue = asked("blue");
    Adapter pink = asked("pink");
    table.advance(this::demand, 0);
    table.downloaded(blue, 0.1f);
    table.downloaded(pink, 0.1f);
    precedence.putAll(Map.of(blue, 30.0, pink, 20.0));
    assertThat(table.advance(this::demand, 1)).containsExactly(new Offload(red));
    table.offloaded(red);

    assertThat(table.advance(this::demand, 2)).containsExactly(new Load(pink));
  }

  @Test
  void takes_the_place_of_the_busy_adapter_whose_requests_go_last() {
    Adapter red = ready("red", 0);
    Adapter green = ready("green", 0);
    waiting.addAll(List.of(red, green));
    red.acquire(0);
    green.acquire(0);
    precedence.putAll(Map.of(red, 5.0, green, 500.0));
    downloaded("blue");

    table.advance(this::demand, 1000);

    assertThat(red.admits()).isTrue();
    assertThat(green.admits()).isFalse();
  }

  @Test
  void keeps_a_pinned_adapter() {
    Adapter red = ready("red", 0);
    Adapter green = ready("green", 0);
    use(red, 1);
    use(green, 2);
    red.pin(true);
    downloaded("blue");

    assertThat(table.advance(this::demand, 1000)).containsExactly(new Offload(green));
  }

  @Test
  void wants_pinned_adapters_again_from_new_shards() {
    ready("red", 0).pin(true);

    table.reset(List.of());

    Adapter red = table.resolve(AdapterKey.of("red", AdapterSource.LOCAL, null));
    assertThat(red.pinned()).isTrue();
    assertThat(table.advance(this::demand, 0)).containsExactly(new Download(red));
  }

  @Test
  void dismisses_an_adapter_once_nobody_uses_it() {
    Adapter red = ready("red", 0);
    red.acquire(0);
    red.dismiss();

    assertThat(table.advance(this::demand, 1)).isEmpty();
    assertThat(red.admits()).isFalse();
    red.release(2);

    assertThat(table.advance(this::demand, 2)).containsExactly(new Offload(red));
  }

  @Test
  void tries_again_at_once_after_a_failure_and_later_after_several() {
    Adapter red = asked("red");
    long second = Duration.ofSeconds(1).toNanos();
    table.advance(this::demand, 0);
    table.failed(red, "not found", 0);

    assertThat(table.refusal(red, 0)).isNull();

    assertThat(table.advance(this::demand, 0)).containsExactly(new Download(red));
    table.failed(red, "not found", 0);
    assertThat(table.refusal(red, second - 1)).extracting("reason").isEqualTo("not found");
    assertThat(table.refusal(red, second)).isNull();
    table.advance(this::demand, second);
    table.failed(red, "not found", second);
    assertThat(table.refusal(red, 3 * second - 1)).isNotNull();
    assertThat(table.refusal(red, 3 * second)).isNull();
  }

  @Test
  void forgets_the_oldest_failures_when_there_are_too_many() {
    for (int i = 0; i < 3000; i++) {
      table.failed(table.resolve(AdapterKey.of("wrong-" + i, AdapterSource.LOCAL, null)), "no", 0);
    }

    assertThat(table.all()).hasSize(1 + 1024);
  }

  private Demand demand() {
    return adapter ->
        waiting.contains(adapter)
            ? precedence.getOrDefault(adapter, 0.0)
            : Double.POSITIVE_INFINITY;
  }

  private Adapter asked(String id) {
    Adapter adapter = table.resolve(AdapterKey.of(id, AdapterSource.LOCAL, null));
    waiting.add(adapter);
    return adapter;
  }

  private Adapter downloaded(String id) {
    Adapter adapter = asked(id);
    table.advance(this::demand, 0);
    table.downloaded(adapter, 0.1f);
    return adapter;
  }

  private Adapter ready(String id, long nanoTime) {
    Adapter adapter = downloaded(id);
    table.advance(this::demand, nanoTime);
    table.loaded(adapter, null, nanoTime);
    waiting.remove(adapter);
    return adapter;
  }

  private static void use(Adapter adapter, long nanoTime) {
    adapter.acquire(nanoTime);
    adapter.release(nanoTime);
  }
}
