package dev.lorax.router.kvcache;

/**
 * The free blocks of the paged key-value cache. Confined to the batch loop.
 *
 * <p>Block 0 is never handed out: the protocol reserves it for health checks. Free blocks are a
 * stack, so the block given back last, whose memory is warmest, goes out first.
 */
final class BlockAllocator {
  private static final int RESERVED_BLOCKS = 1;

  private final int[] free;
  private int freeCount;

  /**
   * @param totalBlocks blocks of the shards' cache, the reserved one included
   */
  BlockAllocator(int totalBlocks) {
    if (totalBlocks <= RESERVED_BLOCKS) {
      throw new IllegalArgumentException(
          "a cache needs at least 2 blocks, got %d".formatted(totalBlocks));
    }
    this.free = new int[totalBlocks - RESERVED_BLOCKS];
    for (int i = 0; i < free.length; i++) {
      free[i] = totalBlocks - 1 - i;
    }
    this.freeCount = free.length;
  }

  /** One block; there must be a free one. */
  int take() {
    if (freeCount == 0) {
      throw new IllegalStateException("no block is free");
    }
    return free[--freeCount];
  }

  /** Takes a block back. */
  void give(int block) {
    free[freeCount++] = block;
  }

  int freeBlocks() {
    return freeCount;
  }

  /** Blocks that can be handed out, free or not. */
  int usableBlocks() {
    return free.length;
  }
}
