package dev.lorax.router.kvcache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.Tuple;
import net.jqwik.api.constraints.IntRange;

/**
 * The pool against a model of what lies in the blocks: whatever is asked for, computed, given up
 * and forgotten in whatever order, no block is lost or lent to two who write to it, and what is
 * found in the cache is what was computed there.
 */
class BlockPoolProperties {
  private static final PrefixOwner BASE = new PrefixOwner(0, 0);

  /** One thing that happens to the pool. */
  sealed interface Event {
    /**
     * @param common how many tokens of the prompt are the same in all prompts
     */
    record Ask(int owner, int common, int rest, int newTokens, boolean reuses) implements Event {}

    /** The prompt of a table is computed. */
    record Compute(int table) implements Event {}

    record Close(int table) implements Event {}

    record Forget(int owner) implements Event {}

    record ForgetAll() implements Event {}
  }

  /** A request that holds a table. */
  private static final class Holder {
    private final PromptKey prompt;
    private final BlockTable table;
    private boolean computed;

    Holder(PromptKey prompt, BlockTable table) {
      this.prompt = prompt;
      this.table = table;
    }

    /** Blocks that this one still writes to. */
    int[] writable(int blockSize) {
      int written = computed ? prompt.tokenIds().length : table.cachedTokens();
      int[] blocks = table.blocks();
      return Arrays.copyOfRange(blocks, written / blockSize, blocks.length);
    }
  }

  @Property(tries = 500)
  void lends_only_what_is_computed_and_loses_nothing(
      @ForAll @IntRange(min = 2, max = 30) int totalBlocks,
      @ForAll @IntRange(min = 1, max = 6) int blockSize,
      @ForAll boolean keepsPrefixes,
      @ForAll("histories") List<Event> history) {
    var pool = new BlockPool(totalBlocks, blockSize, keepsPrefixes);
    var holders = new ArrayList<Holder>();
    var contents = new HashMap<Integer, List<Object>>();
    for (Event event : history) {
      switch (event) {
        case Event.Ask ask -> ask(pool, ask, holders, contents);
        case Event.Compute compute -> {
          if (!holders.isEmpty()) {
            compute(holders.get(compute.table() % holders.size()), blockSize, contents);
          }
        }
        case Event.Close close -> {
          if (!holders.isEmpty()) {
            holders.remove(close.table() % holders.size()).table.close();
          }
        }
        case Event.Forget forget -> pool.forget(new PrefixOwner(forget.owner(), 0));
        case Event.ForgetAll _ -> pool.forgetAll();
      }
      assertConsistent(pool, holders, totalBlocks);
    }

    holders.forEach(holder -> holder.table.close());

    assertThat(pool.heldBlocks()).isZero();
    assertThat(pool.freeBlocks() + pool.idleBlocks()).isEqualTo(totalBlocks - 1);
    // All that is idle makes room for one who needs everything.
    var everything = new PromptKey(new PrefixOwner(99, 0), new int[] {1}, true);
    assertThat(pool.tryAllocate(everything, (totalBlocks - 1) * blockSize)).isNotNull();
  }

  @Provide
  Arbitrary<List<Event>> histories() {
    Arbitrary<Integer> owners = Arbitraries.integers().between(0, 2);
    Arbitrary<Integer> tables = Arbitraries.integers().between(0, 20);
    Arbitrary<Event> ask =
        Combinators.combine(
                owners,
                Arbitraries.integers().between(0, 20),
                Arbitraries.integers().between(0, 6),
                Arbitraries.integers().between(1, 10),
                Arbitraries.of(true, true, true, false))
            .as(Event.Ask::new);
    return Arbitraries.frequencyOf(
            Tuple.of(8, ask),
            Tuple.of(8, tables.map(Event.Compute::new)),
            Tuple.of(6, tables.map(Event.Close::new)),
            Tuple.of(1, owners.map(Event.Forget::new)),
            Tuple.of(1, Arbitraries.of(new Event.ForgetAll())))
        .list()
        .ofMaxSize(100);
  }

  @Example
  void a_computed_prompt_is_shared_while_its_request_still_runs() {
    var pool = new BlockPool(20, 4, true);
    var prompt = new PromptKey(BASE, ids(9, 1), true);
    BlockTable first = allocate(pool, prompt, 12);
    BlockTable tooEarly = allocate(pool, prompt, 12);
    first.promptComputed();

    BlockTable second = allocate(pool, prompt, 12);

    assertThat(tooEarly.cachedTokens()).isZero();
    assertThat(second.cachedTokens()).isEqualTo(8);
    assertThat(Arrays.copyOf(second.blocks(), 2)).isEqualTo(Arrays.copyOf(first.blocks(), 2));
    assertThat(pool.heldBlocks()).isEqualTo(3 + 3 + 1);
  }

  @Example
  void the_last_token_of_a_prompt_is_always_left_to_compute() {
    var pool = new BlockPool(20, 4, true);
    var prompt = new PromptKey(BASE, ids(8, 1), true);
    allocate(pool, prompt, 8).promptComputed();

    assertThat(allocate(pool, prompt, 8).cachedTokens()).isEqualTo(4);
  }

  @Example
  void others_never_get_what_another_adapter_or_an_earlier_load_computed() {
    var pool = new BlockPool(20, 4, true);
    allocate(pool, new PromptKey(new PrefixOwner(3, 1), ids(9, 1), true), 9).promptComputed();

    assertThat(pool.cachedTokens(new PromptKey(new PrefixOwner(3, 1), ids(9, 1), true)))
        .isEqualTo(8);
    assertThat(pool.cachedTokens(new PromptKey(new PrefixOwner(3, 2), ids(9, 1), true))).isZero();
    assertThat(pool.cachedTokens(new PromptKey(new PrefixOwner(4, 1), ids(9, 1), true))).isZero();
  }

  @Example
  void a_request_that_asks_about_its_prompt_computes_all_of_it_and_leaves_it_to_others() {
    var pool = new BlockPool(20, 4, true);
    allocate(pool, new PromptKey(BASE, ids(9, 1), false), 9).promptComputed();

    assertThat(pool.cachedTokens(new PromptKey(BASE, ids(9, 1), false))).isZero();
    assertThat(pool.cachedTokens(new PromptKey(BASE, ids(9, 1), true))).isEqualTo(8);
  }

  @Example
  void what_was_used_longest_ago_gives_way_first_from_its_end() {
    var pool = new BlockPool(8, 4, true);
    var old = new PromptKey(BASE, ids(13, 1), true);
    var recent = new PromptKey(BASE, ids(13, 2), true);
    for (PromptKey prompt : List.of(old, recent)) {
      BlockTable table = allocate(pool, prompt, 13);
      table.promptComputed();
      table.close();
    }
    assertThat(pool.idleBlocks()).isEqualTo(6);

    allocate(pool, new PromptKey(BASE, ids(9, 3), true), 9);

    assertThat(pool.cachedTokens(old)).isEqualTo(4);
    assertThat(pool.cachedTokens(recent)).isEqualTo(12);
  }

  @Example
  void nothing_gives_way_for_a_request_that_would_still_not_fit() {
    var pool = new BlockPool(8, 4, true);
    var known = new PromptKey(BASE, ids(13, 1), true);
    BlockTable table = allocate(pool, known, 13);
    table.promptComputed();
    table.close();

    assertThat(pool.tryAllocate(new PromptKey(BASE, ids(9, 3), true), 29)).isNull();

    assertThat(pool.cachedTokens(known)).isEqualTo(12);
  }

  @Property
  void gives_each_token_a_slot_of_its_own(
      @ForAll @IntRange(min = 1, max = 20) int blockSize,
      @ForAll @IntRange(min = 1, max = 100) int tokens) {
    var pool = new BlockPool(200, blockSize, true);

    BlockTable table = allocate(pool, new PromptKey(BASE, ids(tokens, 1), true), tokens);

    assertThat(table.slots()).hasSize(tokens).doesNotHaveDuplicates();
    // Block 0 is reserved, so its slots are never used.
    assertThat(Arrays.stream(table.slots()).boxed()).allMatch(slot -> slot >= blockSize);
  }

  @Example
  void closes_twice_without_harm() {
    var pool = new BlockPool(10, 4, false);
    BlockTable table = allocate(pool, new PromptKey(BASE, ids(8, 1), true), 8);

    table.close();
    table.close();

    assertThat(pool.freeBlocks()).isEqualTo(9);
  }

  @Example
  void needs_more_than_the_reserved_block() {
    assertThatThrownBy(() -> new BlockPool(1, 16, true)).hasMessageContaining("got 1");
    assertThatThrownBy(() -> new BlockPool(5, 0, true)).hasMessageContaining("got 0");
  }

  private static BlockTable allocate(BlockPool pool, PromptKey prompt, int tokens) {
    return Objects.requireNonNull(pool.tryAllocate(prompt, tokens));
  }

  private static int[] ids(int length, int id) {
    var ids = new int[length];
    Arrays.fill(ids, id);
    return ids;
  }

  private static void ask(
      BlockPool pool, Event.Ask ask, List<Holder> holders, Map<Integer, List<Object>> contents) {
    int length = Math.max(1, ask.common() + ask.rest());
    int[] ids = ids(length, 7);
    Arrays.fill(ids, Math.min(length, ask.common()), length, holders.size());
    var prompt = new PromptKey(new PrefixOwner(ask.owner(), 0), ids, ask.reuses());
    int tokens = length + ask.newTokens() - 1;
    int room = pool.freeBlocks() + pool.idleBlocks();
    int promised = pool.cachedTokens(prompt);

    BlockTable table = pool.tryAllocate(prompt, tokens);

    int blockSize = pool.blockSize();
    int blocks = Math.ceilDiv(tokens, blockSize);
    if (table == null) {
      // What it would have shared may have been idle, and counts as room only once.
      assertThat(blocks).isGreaterThan(room);
      return;
    }
    assertThat(table.cachedTokens()).isEqualTo(promised).isLessThan(length);
    assertThat(ask.reuses() || promised == 0).isTrue();
    assertThat(table.blockCount()).isEqualTo(blocks);
    for (int i = 0; i < promised / blockSize; i++) {
      assertThat(contents.get(table.blocks()[i])).isEqualTo(content(prompt, i, blockSize));
    }
    holders.add(new Holder(prompt, table));
    // Whoever gets a block may write to it at once.
    for (int block : holders.getLast().writable(blockSize)) {
      contents.remove(block);
    }
  }

  private static void compute(Holder holder, int blockSize, Map<Integer, List<Object>> contents) {
    if (holder.computed) {
      return;
    }
    int[] blocks = holder.table.blocks();
    int whole = holder.prompt.tokenIds().length / blockSize;
    for (int i = holder.table.cachedTokens() / blockSize; i < whole; i++) {
      contents.put(blocks[i], content(holder.prompt, i, blockSize));
    }
    holder.table.promptComputed();
    holder.computed = true;
  }

  /** Keys and values depend on all tokens up to the block's last. */
  private static List<Object> content(PromptKey prompt, int block, int blockSize) {
    int[] seen = Arrays.copyOf(prompt.tokenIds(), (block + 1) * blockSize);
    return List.of(prompt.owner(), Arrays.stream(seen).boxed().toList());
  }

  private static void assertConsistent(BlockPool pool, List<Holder> holders, int totalBlocks) {
    Set<Integer> used = new HashSet<>();
    Map<Integer, Integer> users = new HashMap<>();
    for (Holder holder : holders) {
      for (int block : holder.table.blocks()) {
        assertThat(block).isBetween(1, totalBlocks - 1);
        used.add(block);
        users.merge(block, 1, Integer::sum);
      }
    }
    for (Holder holder : holders) {
      for (int block : holder.writable(pool.blockSize())) {
        assertThat(users.get(block)).as("users of a block that is written to").isEqualTo(1);
      }
    }
    // A node held for the sake of another's end may be in no table: its twin was computed beside.
    assertThat(pool.heldBlocks()).isGreaterThanOrEqualTo(used.size());
    assertThat(pool.freeBlocks() + pool.idleBlocks() + pool.heldBlocks())
        .isEqualTo(totalBlocks - 1);
  }
}
