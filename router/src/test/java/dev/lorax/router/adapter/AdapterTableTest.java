package dev.lorax.router.adapter;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lorax.router.adapter.AdapterAction.Download;
import dev.lorax.router.adapter.AdapterAction.Load;
import dev.lorax.router.adapter.AdapterAction.Offload;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class AdapterTableTest {
  private static final Duration CYCLE = Duration.ofNanos(100);

  private final AdapterTable table = new AdapterTable(new ResidencyLimits(2, CYCLE));
  private final Set<Adapter> waiting = new HashSet<>();

  @Test
  void knows_the_base_model_from_the_start() {
    Adapter base = table.resolve(AdapterKey.BASE);

    assertThat(base.index()).isZero();
    assertThat(base.admits()).isTrue();
    assertThat(table.advance(waiting::contains, 0)).isEmpty();
  }

  @Test
  void downloads_then_loads() {
    Adapter red = asked("red");

    assertThat(table.advance(waiting::contains, 0)).containsExactly(new Download(red));
    assertThat(table.advance(waiting::contains, 0)).isEmpty();
    table.downloaded(red, 0.1f);
    assertThat(table.advance(waiting::contains, 0)).containsExactly(new Load(red));
    assertThat(red.admits()).isFalse();
    table.loaded(red, 0);
    assertThat(red.admits()).isTrue();
  }

  @Test
  void evicts_the_idle_adapter_that_was_used_longest_ago() {
    Adapter red = ready("red", 0);
    Adapter green = ready("green", 0);
    use(red, 20);
    use(green, 10);
    Adapter blue = downloaded("blue");

    assertThat(table.advance(waiting::contains, 30)).containsExactly(new Offload(green));
    table.offloaded(green);
    assertThat(table.advance(waiting::contains, 30)).containsExactly(new Load(blue));
    assertThat(red.admits()).isTrue();
  }

  @Test
  void never_offloads_an_adapter_in_use() {
    Adapter red = ready("red", 0);
    Adapter green = ready("green", 0);
    red.acquire(0);
    green.acquire(0);
    downloaded("blue");

    assertThat(table.advance(waiting::contains, 1000)).isEmpty();

    // Both have had their time; the first of them takes nothing new until it is empty.
    assertThat(List.of(red, green)).filteredOn(a -> !a.admits()).hasSize(1);
    Adapter leaving = red.admits() ? green : red;
    leaving.release(1001);
    assertThat(table.advance(waiting::contains, 1001)).containsExactly(new Offload(leaving));
  }

  @Test
  void lets_a_busy_adapter_keep_its_place_for_a_while() {
    Adapter red = ready("red", 0);
    Adapter green = ready("green", 0);
    waiting.addAll(List.of(red, green));
    downloaded("blue");

    assertThat(table.advance(waiting::contains, 50)).isEmpty();
    assertThat(red.admits() && green.admits()).isTrue();
    assertThat(table.advance(waiting::contains, 150)).hasSize(1);
  }

  @Test
  void respects_the_adapters_memory() {
    Adapter large = asked("large");
    table.advance(waiting::contains, 0);
    table.downloaded(large, 0.8f);
    table.advance(waiting::contains, 0);
    table.loaded(large, 0);
    large.acquire(0);
    Adapter second = asked("second");
    table.advance(waiting::contains, 0);
    table.downloaded(second, 0.3f);

    assertThat(table.advance(waiting::contains, 1)).isEmpty();
  }

  @Test
  void forgets_adapters_nobody_waits_for() {
    Adapter red = asked("red");
    table.advance(waiting::contains, 0);
    waiting.clear();
    table.downloaded(red, 0.1f);

    assertThat(table.advance(waiting::contains, 0)).isEmpty();

    assertThat(table.resolve(red.key())).isNotSameAs(red);
  }

  @Test
  void shares_preloaded_adapters_whatever_the_token() {
    AdapterKey key = AdapterKey.of("always", AdapterSource.HUB, null);
    table.reset(List.of(new PreloadedAdapter(key, 1)));

    Adapter withToken =
        table.resolve(AdapterKey.of("always", AdapterSource.HUB, new ApiToken("secret")));

    assertThat(withToken.index()).isEqualTo(1);
    assertThat(withToken.pinned()).isTrue();
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

  private Adapter asked(String id) {
    Adapter adapter = table.resolve(AdapterKey.of(id, AdapterSource.LOCAL, null));
    waiting.add(adapter);
    return adapter;
  }

  private Adapter downloaded(String id) {
    Adapter adapter = asked(id);
    table.advance(waiting::contains, 0);
    table.downloaded(adapter, 0.1f);
    return adapter;
  }

  private Adapter ready(String id, long nanoTime) {
    Adapter adapter = downloaded(id);
    table.advance(waiting::contains, nanoTime);
    table.loaded(adapter, nanoTime);
    waiting.remove(adapter);
    return adapter;
  }

  private static void use(Adapter adapter, long nanoTime) {
    adapter.acquire(nanoTime);
    adapter.release(nanoTime);
  }
}
