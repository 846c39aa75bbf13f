package dev.lorax.router.batching;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lorax.router.adapter.Adapter;
import dev.lorax.router.adapter.AdapterAction;
import dev.lorax.router.adapter.PreloadedAdapter;
import dev.lorax.router.kvcache.BlockPool;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

/** Laws of the scheduler: budgets hold, and everybody gets a turn. */
class SchedulerProperties extends SchedulerTestCase {
  @Property
  void never_exceeds_its_budgets(@ForAll("wishes") List<Wish> wishes) {
    var blocks = new BlockPool(TOTAL_BLOCKS, BLOCK_SIZE, false);
    var waiting = queue(wishes);
    var scheduler = scheduler(waiting, blocks, false);
    var running = new ArrayList<Entry>();
    for (int round = 0; waiting.size() > 0 || !running.isEmpty(); round++) {
      moveAdapters(waiting, round);
      PrefillBatch batch = scheduler.next(0, 0, NOW);
      if (batch != null) {
        int prompts = batch.entries().stream().mapToInt(e -> e.request().prompt().length()).sum();
        assertThat(prompts <= PREFILL_BUDGET || batch.entries().size() == 1).isTrue();
        assertThat(batch.entries()).allMatch(e -> e.adapter().admits());
        running.addAll(batch.entries());
      }
      int held = running.stream().mapToInt(e -> e.blocks().blockCount()).sum();
      assertThat(held + blocks.freeBlocks()).isEqualTo(TOTAL_BLOCKS - 1);
      if (!running.isEmpty()) {
        running.removeFirst().leaves(NOW);
      }
      assertThat(round).as("rounds until everybody was served").isLessThan(20 * wishes.size() + 20);
    }
    assertThat(blocks.freeBlocks()).isEqualTo(TOTAL_BLOCKS - 1);
  }

  @Property
  void serves_requests_of_ready_adapters_in_the_order_of_arrival(
      @ForAll("wishes") List<Wish> wishes) {
    var waiting =
        queue(wishes.stream().map(w -> new Wish(w.promptTokens(), w.newTokens(), 0)).toList());
    var scheduler = scheduler(waiting, new BlockPool(TOTAL_BLOCKS, BLOCK_SIZE, false), false);
    var order = new ArrayList<Long>();
    while (waiting.size() > 0) {
      PrefillBatch batch = Objects.requireNonNull(scheduler.next(0, 0, NOW));
      batch.entries().forEach(e -> order.add(e.id()));
      batch.entries().forEach(e -> e.leaves(NOW));
    }
    assertThat(order).isSorted().hasSize(wishes.size());
  }

  @Property
  void takes_nothing_when_too_few_could_go(
      @ForAll("wishes") List<Wish> wishes, @ForAll @IntRange(min = 1, max = 50) int minSize) {
    var blocks = new BlockPool(TOTAL_BLOCKS, BLOCK_SIZE, false);
    var waiting = queue(wishes);
    int before = waiting.size();

    PrefillBatch batch = scheduler(waiting, blocks, false).next(minSize, 0, NOW);

    if (batch == null) {
      assertThat(waiting.size()).isEqualTo(before);
      assertThat(blocks.freeBlocks()).isEqualTo(TOTAL_BLOCKS - 1);
    } else {
      assertThat(batch.entries()).hasSizeGreaterThanOrEqualTo(minSize);
    }
  }

  @Property
  void interrupted_requests_go_first_and_suspects_alone(
      @ForAll("wishes") List<Wish> wishes, @ForAll @IntRange(max = 40) int ran) {
    // given some that ran on shards which are gone, every third of them more often than the others
    List<Wish> ready = wishes.stream().map(w -> new Wish(w.promptTokens(), 1, 0)).toList();
    var waiting = queue(ready);
    var served = new ArrayList<Entry>();
    while (waiting.size() > 0 && served.size() < ran) {
      Entry entry = Objects.requireNonNull(waiting.peek());
      waiting.take(entry, entry.request().prompt().length());
      served.add(entry);
    }
    served.forEach(entry -> entry.interrupt(true, NOW));
    served.stream().filter(entry -> entry.id() % 3 == 0).forEach(e -> e.interrupt(true, NOW));
    adapters.reset(List.of());
    waiting.rebind(adapters, served);
    assertThat(waiting.size()).isEqualTo(wishes.size());

    // when
    var scheduler = scheduler(waiting, new BlockPool(TOTAL_BLOCKS, BLOCK_SIZE, false), true);
    var order = new ArrayList<Entry>();
    while (waiting.size() > 0) {
      // Whatever the others have to wait for.
      int minSize = Objects.requireNonNull(waiting.peek()).interrupted() ? 1000 : 0;
      PrefillBatch batch = Objects.requireNonNull(scheduler.next(minSize, 0, NOW));
      assertThat(batch.entries().size() == 1 || batch.entries().stream().noneMatch(this::suspect))
          .isTrue();
      order.addAll(batch.entries());
      batch.entries().forEach(e -> e.leaves(NOW));
    }

    // then
    assertThat(order.subList(0, served.size())).containsExactlyElementsOf(served);
    assertThat(order.subList(served.size(), order.size()))
        .isSortedAccordingTo(Comparator.comparingLong(Entry::id));
  }

  private boolean suspect(Entry entry) {
    return entry.progress().suspect();
  }

  @Property
  void cuts_a_prompt_only_where_it_would_be_cut_alone(
      @ForAll("wishes") List<Wish> wishes,
      @ForAll @IntRange(min = 0, max = PREFILL_BUDGET + 10) int unfinishedTokens) {
    var waiting =
        queue(wishes.stream().map(w -> new Wish(w.promptTokens(), w.newTokens(), 0)).toList());
    var blocks = new BlockPool(TOTAL_BLOCKS, BLOCK_SIZE, false);
    int first = Objects.requireNonNull(waiting.peek()).request().prompt().length();

    PrefillBatch batch = scheduler(waiting, blocks, true).next(0, unfinishedTokens, NOW);

    int budget = PREFILL_BUDGET - unfinishedTokens;
    if (first > PREFILL_BUDGET && unfinishedTokens > 0) {
      // Only others may go, as far as a step between chunks holds them.
      List<Entry> others = batch == null ? List.of() : batch.entries();
      assertThat(batch == null || batch.holdsPrompts()).isTrue();
      assertThat(others).allMatch(entry -> entry.chunkTokens() == 0);
      assertThat(others.stream().mapToInt(e -> e.request().prompt().length()).sum())
          .isLessThanOrEqualTo(PREFILL_BUDGET);
      return;
    }
    if (batch != null && batch.holdsPrompts()) {
      assertThat(first).isGreaterThan(budget);
      budget = PREFILL_BUDGET;
    }
    List<Entry> entries = Objects.requireNonNull(batch).entries();
    if (first > PREFILL_BUDGET) {
      assertThat(entries).hasSize(1);
      assertThat(entries.getFirst().chunkTokens()).isEqualTo(PREFILL_BUDGET);
      return;
    }
    assertThat(entries).allMatch(e -> e.chunkTokens() == 0);
    int tokens = entries.stream().mapToInt(e -> e.request().prompt().length()).sum();
    assertThat(tokens).isLessThanOrEqualTo(budget);
    Entry next = waiting.peek();
    boolean full =
        next == null
            || tokens + next.request().prompt().length() > budget
            || blocks.freeBlocks() < Math.ceilDiv(next.request().slots(0), BLOCK_SIZE);
    assertThat(full).isTrue();
  }

  @Property
  void computes_what_samples_of_one_prompt_have_in_common_once(
      @ForAll @IntRange(min = 1, max = 6) int samples,
      @ForAll @IntRange(min = 1, max = 120) int promptTokens,
      @ForAll boolean chunkedPrefill) {
    var blocks = new BlockPool(TOTAL_BLOCKS, BLOCK_SIZE, true);
    var waiting = queue(Collections.nCopies(samples, new Wish(promptTokens, 5, 0)));
    var scheduler = scheduler(waiting, blocks, chunkedPrefill);
    int computed = 0;
    int rounds = 0;
    while (waiting.size() > 0) {
      PrefillBatch batch = Objects.requireNonNull(scheduler.next(0, 0, NOW));
      for (Entry entry : batch.entries()) {
        computed += promptTokens - entry.blocks().cachedTokens();
        entry.blocks().promptComputed();
        entry.leaves(NOW);
      }
      rounds++;
    }

    int common = (promptTokens - 1) / BLOCK_SIZE * BLOCK_SIZE;
    assertThat(computed).isEqualTo(common + samples * (promptTokens - common));
    assertThat(rounds).isLessThanOrEqualTo(common == 0 ? samples : 1 + samples);
  }

  @Test
  void waits_for_a_prompt_that_comes_in_chunks_while_others_go_by() {
    // given one that no step could hold, another that begins like it, and a stranger
    var blocks = new BlockPool(TOTAL_BLOCKS, BLOCK_SIZE, true);
    adapters.reset(List.of(new PreloadedAdapter(key(1), 1, null)));
    var waiting = new WaitingEntries(QueueOrder.FAIR);
    var wishes =
        List.of(
            new Wish(PREFILL_BUDGET + 20, 1, 0),
            new Wish(PREFILL_BUDGET + 20, 1, 0),
            new Wish(8, 1, 1));
    for (int i = 0; i < wishes.size(); i++) {
      Entry entry = entry(i, wishes.get(i));
      waiting.add(entry, adapters.resolve(entry.adapterKey()));
    }
    var scheduler = scheduler(waiting, blocks, true);

    // when
    var first = Objects.requireNonNull(scheduler.next(0, 0, NOW)).entries();
    var beside = Objects.requireNonNull(scheduler.next(0, 20, NOW)).entries();
    PrefillBatch nothing = scheduler.next(0, 20, NOW);
    first.getFirst().blocks().promptComputed();
    var last = Objects.requireNonNull(scheduler.next(0, 0, NOW)).entries();

    // then
    assertThat(first).extracting(Entry::id).containsExactly(0L);
    assertThat(beside).extracting(Entry::id).containsExactly(2L);
    assertThat(nothing).isNull();
    assertThat(last).extracting(Entry::id).containsExactly(1L);
    assertThat(last.getFirst().blocks().cachedTokens()).isGreaterThan(PREFILL_BUDGET);
  }

  @Test
  void waits_no_longer_once_the_other_has_gone() {
    var blocks = new BlockPool(TOTAL_BLOCKS, BLOCK_SIZE, true);
    var waiting = queue(Collections.nCopies(3, new Wish(40, 5, 0)));
    var scheduler = scheduler(waiting, blocks, false);

    Objects.requireNonNull(scheduler.next(0, 0, NOW)).entries().getFirst().leaves(NOW);
    var second = Objects.requireNonNull(scheduler.next(0, 0, NOW)).entries();

    // It has waited for the first, which left without a trace, and does not wait again.
    assertThat(second).extracting(Entry::id).startsWith(1L);
    assertThat(second.getFirst().blocks().cachedTokens()).isZero();
  }

  /** Does at once what the table asks of the shards. */
  private void moveAdapters(WaitingEntries waiting, long nanoTime) {
    for (AdapterAction action : adapters.advance(waiting::demand, nanoTime)) {
      Adapter adapter = action.adapter();
      switch (action) {
        case AdapterAction.Download _ -> adapters.downloaded(adapter, 0.3f);
        case AdapterAction.Load _ -> adapters.loaded(adapter, null, nanoTime);
        case AdapterAction.Offload _ -> adapters.offloaded(adapter);
      }
    }
  }
}
