package dev.lorax.router.encoding;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lorax.router.adapter.AdapterKey;
import dev.lorax.router.batching.Share;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;

/** Laws of the queue of texts. */
class EncodingQueueProperties {
  @Property
  void every_text_leaves_once_in_its_tenants_order_and_within_the_budget(
      @ForAll @Size(min = 1, max = 40) List<@IntRange(min = 1, max = 50) Integer> lengths,
      @ForAll @IntRange(min = 1, max = 5) int tenants,
      @ForAll @IntRange(min = 1, max = 120) int budget) {
    // given
    var queue = new EncodingQueue();
    for (int i = 0; i < lengths.size(); i++) {
      queue.add(Texts.of(i, "tenant-" + i % tenants, lengths.get(i)));
    }

    // when
    var left = new ArrayList<EncodingEntry>();
    while (!queue.isEmpty()) {
      List<EncodingEntry> call = queue.take(budget);
      assertThat(call).isNotEmpty();
      int tokens = call.stream().mapToInt(entry -> entry.text().length()).sum();
      assertThat(call.size() == 1 || tokens <= budget).isTrue();
      left.addAll(call);
    }

    // then
    assertThat(left).hasSameSizeAs(lengths).doesNotHaveDuplicates();
    Map<String, Long> last = new HashMap<>();
    for (EncodingEntry entry : left) {
      Long before = last.put(entry.share().tenant(), entry.id());
      assertThat(before == null || before < entry.id()).isTrue();
    }
  }

  @Property
  void tenants_that_both_wait_are_served_by_their_weights(
      @ForAll @IntRange(min = 1, max = 4) int weight,
      @ForAll @IntRange(min = 1, max = 40) int turns) {
    // given one that has asked for much before the other comes
    var queue = new EncodingQueue();
    var many = new Share("many", 1);
    var few = new Share("few", weight);
    int length = 10;
    for (int i = 0; i < 500; i++) {
      queue.add(Texts.of(i, many, length, AdapterKey.BASE));
    }
    queue.take(1000);
    for (int i = 500; i < 1000; i++) {
      queue.add(Texts.of(i, few, length, AdapterKey.BASE));
    }

    // when
    double served = 0;
    double others = 0;
    for (int i = 0; i < turns; i++) {
      for (EncodingEntry entry : queue.take(50)) {
        if (entry.share().equals(few)) {
          served += entry.text().length();
        } else {
          others += entry.text().length();
        }
      }
    }

    // then nobody is ahead by more than a text, and what was before counts for nothing
    assertThat(Math.abs(served / weight - others)).isLessThanOrEqualTo(2.0 * length);
  }

  @Property
  void what_is_put_back_comes_next_and_costs_nothing(
      @ForAll @Size(min = 2, max = 20) List<@IntRange(min = 1, max = 50) Integer> lengths,
      @ForAll @IntRange(min = 1, max = 3) int tenants) {
    // given
    var queue = new EncodingQueue();
    var untouched = new EncodingQueue();
    for (int i = 0; i < lengths.size(); i++) {
      queue.add(Texts.of(i, "tenant-" + i % tenants, lengths.get(i)));
      untouched.add(Texts.of(i, "tenant-" + i % tenants, lengths.get(i)));
    }

    // when
    queue.putBack(queue.take(60));

    // then
    assertThat(ids(queue.take(60)).stream().sorted())
        .containsExactlyElementsOf(ids(untouched.take(60)).stream().sorted().toList());
  }

  private static List<Long> ids(List<EncodingEntry> entries) {
    return entries.stream().map(EncodingEntry::id).toList();
  }
}
