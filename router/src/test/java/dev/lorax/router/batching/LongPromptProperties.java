package dev.lorax.router.batching;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lorax.router.adapter.PreloadedAdapter;
import dev.lorax.router.kvcache.BlockPool;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
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

    // All that is left are long ones, and those behind them that have gone past them often enough.
    var allowed = new ArrayList<Integer>();
    for (Entry entry = waiting.peek(); entry != null; entry = waiting.peek()) {
      int tokens = entry.request().prompt().length();
      boolean longOne = tokens > PREFILL_BUDGET;
      assertThat(entry.overtakings()).isLessThanOrEqualTo(longOne ? steps(tokens) : 0);
      assertThat(longOne || allowed.contains(0) || allowed.size() > 8).isTrue();
      if (longOne) {
        allowed.add(steps(tokens) - entry.overtakings());
      }
      waiting.take(entry, 0);
    }
  }

  private static int steps(int promptTokens) {
    return Math.ceilDiv(promptTokens, PREFILL_BUDGET);
  }

  /**
   * The worst that its queue can do to it: as many short prompts as find room, which go past it and
   * cost the queue what they generate, while another queue always has a long prompt, too.
   */
  @Property(tries = 200)
  void a_long_prompt_waits_for_a_bounded_number_of_steps_whoever_goes_past_it(
      @ForAll @IntRange(min = PREFILL_BUDGET + 1, max = 400) int tokens,
      @ForAll @IntRange(min = 20, max = PREFILL_BUDGET) int shortTokens,
      @ForAll @IntRange(max = 300) int generated,
      @ForAll @IntRange(min = PREFILL_BUDGET + 1, max = 400) int otherTokens) {
    adapters.reset(List.of(new PreloadedAdapter(key(1), 1, null)));
    var waiting = new WaitingEntries(QueueOrder.FAIR);
    var scheduler = scheduler(waiting, new BlockPool(200, BLOCK_SIZE, false), true);
    long id = 0;
    add(waiting, entry(id++, new Wish(otherTokens, 1, 1)));
    Entry underWay = Objects.requireNonNull(scheduler.next(0, 0, NOW)).entries().getFirst();
    int left = otherTokens - PREFILL_BUDGET;
    Entry watched = entry(id++, new Wish(tokens, 1, 0));
    add(waiting, watched);

    int steps = 0;
    int overtaking = 0;
    while (underWay != watched) {
      for (int i = 0; i < PREFILL_BUDGET / shortTokens; i++) {
        add(waiting, entry(id++, new Wish(shortTokens, 1, 0)));
      }
      add(waiting, entry(id++, new Wish(otherTokens, 1, 1)));
      PrefillBatch batch = scheduler.next(0, Math.min(left, PREFILL_BUDGET), NOW);
      boolean chunk = batch == null || !batch.holdsPrompts();
      left -= chunk ? Math.min(left, PREFILL_BUDGET) : 0;
      for (Entry entry : batch == null ? List.<Entry>of() : batch.entries()) {
        if (entry.chunkTokens() > 0) {
          underWay = entry;
          left = entry.request().prompt().length() - PREFILL_BUDGET;
        } else {
          overtaking += entry.adapter() == watched.adapter() ? 1 : 0;
          entry.flow().generated(generated);
          entry.leaves(NOW);
        }
      }
      if (left == 0 && !underWay.prompted()) {
        underWay.blocks().promptComputed();
        underWay.leaves(NOW);
      }
      steps++;
      // What its queue is charged for those that go past it, the other may catch up with.
      int shortOnes = PREFILL_BUDGET / shortTokens;
      int lead = steps(tokens) * (PREFILL_BUDGET + 2 * generated * shortOnes);
      int othersBefore = 2 + Math.ceilDiv(lead, otherTokens);
      assertThat(steps).isLessThanOrEqualTo(othersBefore * 2 * steps(otherTokens));
    }
    assertThat(watched.overtakings()).isLessThanOrEqualTo(steps(tokens));
    assertThat(overtaking).as("short ones that went past it").isPositive();
  }

  @Test
  void a_long_prompt_at_the_front_of_its_queue_keeps_no_other_queue_from_going() {
    var blocks = new BlockPool(TOTAL_BLOCKS, BLOCK_SIZE, false);
    adapters.reset(List.of(new PreloadedAdapter(key(1), 1, null)));
    var waiting = new WaitingEntries(QueueOrder.FAIR);
    var wishes = List.of(new Wish(PREFILL_BUDGET + 20, 1, 0), new Wish(8, 1, 1));
    for (int i = 0; i < wishes.size(); i++) {
      add(waiting, entry(i, wishes.get(i)));
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

  @Property
  void those_that_were_too_few_stand_again_where_they_stood(@ForAll("wishes") List<Wish> wishes) {
    var waiting = queue(wishes.stream().map(w -> new Wish(w.promptTokens(), 1, 0)).toList());
    var scheduler = scheduler(waiting, new BlockPool(TOTAL_BLOCKS, BLOCK_SIZE, false), true);

    assertThat(scheduler.next(1000, PREFILL_BUDGET, NOW)).isNull();

    assertThat(waiting.size()).isEqualTo(wishes.size());
    for (long id = 0; id < wishes.size(); id++) {
      Entry entry = Objects.requireNonNull(waiting.peek());
      assertThat(entry.id()).isEqualTo(id);
      assertThat(entry.overtakings()).isZero();
      waiting.take(entry, 0);
    }
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
