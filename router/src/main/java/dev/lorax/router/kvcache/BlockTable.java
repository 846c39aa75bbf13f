package dev.lorax.router.kvcache;

/**
 * The blocks of one request, in the order of its tokens. Confined to the batch loop. Closing gives
 * the blocks back; closing again does nothing.
 */
public final class BlockTable implements AutoCloseable {
  private final BlockAllocator allocator;
  private final int[] blocks;
  private final int tokens;
  private boolean open = true;

  BlockTable(BlockAllocator allocator, int[] blocks, int tokens) {
    this.allocator = allocator;
    this.blocks = blocks;
    this.tokens = tokens;
  }

  public int[] blocks() {
    return blocks.clone();
  }

  /** One cache slot for each token: block times block size plus offset. */
  public int[] slots() {
    int blockSize = allocator.blockSize();
    var slots = new int[tokens];
    for (int i = 0; i < tokens; i++) {
      slots[i] = blocks[i / blockSize] * blockSize + i % blockSize;
    }
    return slots;
  }

  public int blockCount() {
    return blocks.length;
  }

  @Override
  public void close() {
    if (open) {
      open = false;
      allocator.release(blocks);
    }
  }
}
