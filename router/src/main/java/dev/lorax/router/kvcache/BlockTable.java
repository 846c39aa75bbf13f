package dev.lorax.router.kvcache;

import java.util.Arrays;
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
  private boolean computed;
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

  /**
   * Tokens at the beginning of a prompt that it could take from here once these are computed, if
   * that lies ahead; else 0.
   */
  public int promisedTokens(PromptKey other) {
    if (computed || !open || prompt == null || !prompt.owner().equals(other.owner())) {
      return 0;
    }
    int blockSize = pool.blockSize();
    int most = Math.min(prompt.wholeBlocks(blockSize), other.reusableBlocks(blockSize)) * blockSize;
    if (most == 0) {
      return 0;
    }
    int differs = Arrays.mismatch(prompt.tokenIds(), 0, most, other.tokenIds(), 0, most);
    int common = differs < 0 ? most : differs;
    return common / blockSize * blockSize;
  }

  /** The whole prompt has been computed: from now on others may use its blocks. */
  public void promptComputed() {
    computed = true;
    if (open && prompt != null) {
      held = pool.share(prompt, blocks, held, shared::set);
    }
  }

  /** Whether {@link #promptComputed} has been said. */
  public boolean computed() {
    return computed;
  }

  @Override
  public void close() {
    if (open) {
      open = false;
      pool.release(blocks, shared, held);
    }
  }
}
