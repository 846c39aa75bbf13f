package dev.lorax.router.kvcache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;

class BlockAllocatorProperties {
  /** A positive step asks for that many tokens, another one gives back the oldest table. */
  @Property
  void never_lends_a_block_twice_and_loses_none(
      @ForAll @IntRange(min = 2, max = 40) int totalBlocks,
      @ForAll @IntRange(min = 1, max = 20) int blockSize,
      @ForAll @Size(max = 60) List<@IntRange(min = -10, max = 200) Integer> steps) {
    var allocator = new BlockAllocator(totalBlocks, blockSize);
    var held = new ArrayDeque<BlockTable>();
    for (int step : steps) {
      if (step > 0) {
        int freeBefore = allocator.freeBlocks();
        BlockTable table = allocator.tryAllocate(step);
        boolean fits = Math.ceilDiv(step, blockSize) <= freeBefore;
        assertThat(table != null).isEqualTo(fits);
        if (table != null) {
          held.addLast(table);
        }
      } else if (!held.isEmpty()) {
        held.removeFirst().close();
      }
      assertConsistent(allocator, held, totalBlocks);
    }
  }

  @Property
  void gives_each_token_a_slot_of_its_own(
      @ForAll @IntRange(min = 1, max = 20) int blockSize,
      @ForAll @IntRange(min = 1, max = 100) int tokens) {
    var allocator = new BlockAllocator(200, blockSize);

    BlockTable table = Objects.requireNonNull(allocator.tryAllocate(tokens));

    assertThat(table.slots()).hasSize(tokens).doesNotHaveDuplicates();
    // Block 0 is reserved, so its slots are never used.
    assertThat(Arrays.stream(table.slots()).boxed()).allMatch(slot -> slot >= blockSize);
  }

  @Example
  void closes_twice_without_harm() {
    var allocator = new BlockAllocator(10, 4);
    BlockTable table = Objects.requireNonNull(allocator.tryAllocate(8));

    table.close();
    table.close();

    assertThat(allocator.freeBlocks()).isEqualTo(9);
  }

  @Example
  void needs_more_than_the_reserved_block() {
    assertThatThrownBy(() -> new BlockAllocator(1, 16)).hasMessageContaining("got 1 blocks of 16");
  }

  private static void assertConsistent(
      BlockAllocator allocator, Iterable<BlockTable> held, int totalBlocks) {
    var owned = new HashSet<Integer>();
    int count = 0;
    for (BlockTable table : held) {
      for (int block : table.blocks()) {
        assertThat(block).isBetween(1, totalBlocks - 1);
        owned.add(block);
        count++;
      }
    }
    assertThat(owned).hasSize(count);
    assertThat(count + allocator.freeBlocks()).isEqualTo(totalBlocks - 1);
  }
}
