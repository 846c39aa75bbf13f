package dev.lorax.router.kvcache;

import java.util.BitSet;
import org.jspecify.annotations.Nullable;

/**
 * The blocks of one request, in the order of its tokens. Confined to the batch loop. Closing gives
 * the blocks back; closing again does nothing.
 *
 * <p>The first blocks may be shared with other requests whose prompts begin alike. They hold tokens
 * of the prompt that are computed already, and nobody writes to them.
 */
public final class BlockTable implements AutoCloseable {
  private final BlockPool pool;
  private final int[] blocks;
  private final int tokens;
  private final int cachedTokens;
  private final @Nullable PromptKey prompt;
  private final BitSet shared = new BitSet();
  private @Nullable PrefixNode held;
  private boolean open = true;

  /**
   * @param prompt absent if its blocks are nobody else's business
   * @param held the last of the blocks that other requests may use too
   */
  BlockTable(
      BlockPool pool,
      int[] blocks,
      int tokens,
      @Nullable PromptKey prompt,
      @Nullable PrefixNode held) {
    this.pool = pool;
    this.blocks = blocks;
    this.tokens = tokens;
    this.prompt = prompt;
    this.held = held;
    int cachedBlocks = held == null ? 0 : held.depth();
    this.cachedTokens = cachedBlocks * pool.blockSize();
    shared.set(0, cachedBlocks);
  }

  public int[] blocks() {
    return blocks.clone();
  }

  /** One cache slot for each token: block times block size plus offset. */
  public int[] slots() {
    int blockSize = pool.blockSize();
    var slots = new int[tokens];
    for (int i = 0; i < tokens; i++) {
      slots[i] = blocks[i / blockSize] * blockSize + i % blockSize;
    }
    return slots;
  }

  public int blockCount() {
    return blocks.length;
  }

  /** Tokens at the beginning of the prompt that need not be computed. */
  public int cachedTokens() {
    return cachedTokens;
  }

  /** The whole prompt has been computed: from now on others may use its blocks. */
  public void promptComputed() {
    if (open && prompt != null) {
      held = pool.share(prompt, blocks, held, shared::set);
    }
  }

  @Override
  public void close() {
    if (open) {
      open = false;
      pool.release(blocks, shared, held);
    }
  }
}
