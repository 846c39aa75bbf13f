package dev.lorax.router.kvcache;

import org.jspecify.annotations.Nullable;

/**
 * Hands out the blocks of the paged key-value cache. Confined to the batch loop.
 *
 * <p>Block 0 is never handed out: the protocol reserves it for health checks. Free blocks are a
 * stack, so the block given back last, whose memory is warmest, goes out first.
 */
public final class BlockAllocator {
  private static final int RESERVED_BLOCKS = 1;

  private final int blockSize;
  private final int[] free;
  private int freeCount;

  /**
   * @param totalBlocks blocks of the shards' cache, the reserved one included
   */
  public BlockAllocator(int totalBlocks, int blockSize) {
    if (blockSize < 1 || totalBlocks <= RESERVED_BLOCKS) {
      throw new IllegalArgumentException(
          "a cache needs at least 2 blocks of at least 1 token, got %d blocks of %d"
              .formatted(totalBlocks, blockSize));
    }
    this.blockSize = blockSize;
    this.free = new int[totalBlocks - RESERVED_BLOCKS];
    for (int i = 0; i < free.length; i++) {
      free[i] = totalBlocks - 1 - i;
    }
    this.freeCount = free.length;
  }

  /** Blocks for that many tokens, or null while too few are free. */
  public @Nullable BlockTable tryAllocate(int tokens) {
    int needed = blocksFor(tokens);
    if (needed > freeCount) {
      return null;
    }
    var blocks = new int[needed];
    for (int i = 0; i < needed; i++) {
      blocks[i] = free[--freeCount];
    }
    return new BlockTable(this, blocks, tokens);
  }

  /** Whether that many tokens fit into an empty cache. */
  public boolean canEverHold(int tokens) {
    return blocksFor(tokens) <= free.length;
  }

  public int blockSize() {
    return blockSize;
  }

  public int freeBlocks() {
    return freeCount;
  }

  /** Blocks that can be handed out, free or held. */
  public int usableBlocks() {
    return free.length;
  }

  private int blocksFor(int tokens) {
    return Math.ceilDiv(Math.max(tokens, 1), blockSize);
  }

  void release(int[] blocks) {
    for (int i = blocks.length - 1; i >= 0; i--) {
      free[freeCount++] = blocks[i];
    }
  }
}
