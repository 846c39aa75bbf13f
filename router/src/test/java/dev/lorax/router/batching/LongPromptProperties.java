package dev.lorax.router.batching;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lorax.router.adapter.PreloadedAdapter;
import dev.lorax.router.kvcache.BlockPool;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Laws of the steps between the chunks of a long prompt: whose they are, and how many. */
class LongPromptProperties extends SchedulerTestCase {
  @Property
  void while_a_prompt_comes_in_chunks_every_other_step_is_for_those_that_fit_one(
      @ForAll("wishes") List<Wish> wishes) {
    var waiting = queue(wishes.stream().map(w -> new Wish(w.promptTokens(), 1, 0)).toList());
    var scheduler = scheduler(waiting, new BlockPool(TOTAL_BLOCKS, BLOCK_SIZE, false), true);

    var batches = new ArrayList<@Nullable PrefillBatch>();
    for (int step = 0; step < 4 * wishes.size(); step++) {
      // The whole of each step is spoken for, as by a prompt that has no end.
      PrefillBatch batch = scheduler.next(0, PREFILL_BUDGET, NOW);
      if (batch != null) {
        assertThat(batch.holdsPrompts()).isTrue();
        assertThat(batch.entries()).allMatch(e -> e.chunkTokens() == 0);
        assertThat(batch.entries().stream().mapToInt(e -> e.request().prompt().length()).sum())
            .isLessThanOrEqualTo(PREFILL_BUDGET);
        assertThat(step == 0 || batches.getLast() == null).as("a chunk in between").isTrue();
        batch.entries().forEach(e -> e.leaves(NOW));
      }
      batches.add(batch);
    }

    // Only behind a long one of their own queue do they wait until it may begin.
    int behindNobody = 0;
    while (behindNobody < wishes.size()
        && wishes.get(behindNobody).promptTokens() <= PREFILL_BUDGET) {
      behindNobody++;
    }
    assertThat(wishes.size() - waiting.size()).isEqualTo(behindNobody);
  }

  @Test
  void a_long_prompt_at_the_front_of_its_queue_keeps_no_other_queue_from_going() {
    var blocks = new BlockPool(TOTAL_BLOCKS, BLOCK_SIZE, false);
    adapters.reset(List.of(new PreloadedAdapter(key(1), 1, null)));
    var waiting = new WaitingEntries(QueueOrder.FAIR);
    var wishes = List.of(new Wish(PREFILL_BUDGET + 20, 1, 0), new Wish(8, 1, 1));
    for (int i = 0; i < wishes.size(); i++) {
      Entry entry = entry(i, wishes.get(i));
      waiting.add(entry, adapters.resolve(entry.adapterKey()));
    }
    var scheduler = scheduler(waiting, blocks, true);

    PrefillBatch between = Objects.requireNonNull(scheduler.next(0, PREFILL_BUDGET, NOW));
    PrefillBatch nothing = scheduler.next(0, PREFILL_BUDGET, NOW);
    PrefillBatch last = Objects.requireNonNull(scheduler.next(0, 0, NOW));

    assertThat(between.entries()).extracting(Entry::id).containsExactly(1L);
    assertThat(nothing).isNull();
    assertThat(last.entries()).extracting(Entry::id).containsExactly(0L);
    assertThat(last.holdsPrompts()).isFalse();
  }

  @Test
  void short_prompts_that_were_too_few_for_a_step_may_have_the_next_one() {
    var waiting = queue(List.of(new Wish(8, 1, 0)));
    var scheduler = scheduler(waiting, new BlockPool(TOTAL_BLOCKS, BLOCK_SIZE, false), true);

    PrefillBatch tooFew = scheduler.next(2, PREFILL_BUDGET, NOW);
    PrefillBatch next = scheduler.next(0, PREFILL_BUDGET, NOW);

    assertThat(tooFew).isNull();
    assertThat(Objects.requireNonNull(next).holdsPrompts()).isTrue();
  }

  @Test
  void shards_that_cannot_hold_prompts_are_not_asked_to() {
    var waiting = queue(List.of(new Wish(8, 1, 0)));
    var blocks = new BlockPool(TOTAL_BLOCKS, BLOCK_SIZE, false);

    assertThat(scheduler(waiting, blocks, true, false).next(0, PREFILL_BUDGET, NOW)).isNull();
  }

  @Test
  void a_prompt_that_fits_one_step_waits_for_no_prompt_in_chunks_that_begins_like_it() {
    var blocks = new BlockPool(TOTAL_BLOCKS, BLOCK_SIZE, true);
    var waiting = queue(List.of(new Wish(PREFILL_BUDGET + 20, 1, 0), new Wish(90, 1, 0)));
    var scheduler = scheduler(waiting, blocks, true);

    var first = Objects.requireNonNull(scheduler.next(0, 0, NOW)).entries();
    PrefillBatch between = Objects.requireNonNull(scheduler.next(0, PREFILL_BUDGET, NOW));

    assertThat(first).extracting(Entry::id).containsExactly(0L);
    assertThat(between.entries()).extracting(Entry::id).containsExactly(1L);
    assertThat(between.holdsPrompts()).isTrue();
  }
}
