package dev.lorax.router.kvcache;

import java.util.BitSet;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/**
 * The blocks of the paged key-value cache. Confined to the batch loop.
 *
 * <p>A block is free, held by requests, or idle: then it keeps a part of a prompt that was computed
 * before, for a later one that begins alike, until somebody needs the room.
 */
public final class BlockPool {
  private final int blockSize;
  private final boolean keepsPrefixes;
  private final BlockAllocator allocator;
  private final PrefixTree prefixes;

  /**
   * @param totalBlocks blocks of the shards' cache, the reserved one included
   * @param blockSize tokens of a block
   * @param keepsPrefixes whether prompts that begin alike share blocks
   */
  public BlockPool(int totalBlocks, int blockSize, boolean keepsPrefixes) {
    if (blockSize < 1) {
      throw new IllegalArgumentException(
          "a block needs room for at least 1 token, got %d".formatted(blockSize));
    }
    this.blockSize = blockSize;
    this.keepsPrefixes = keepsPrefixes;
    this.allocator = new BlockAllocator(totalBlocks);
    this.prefixes = new PrefixTree(blockSize);
  }

  /** Tokens at the beginning of the prompt that are in the cache now. */
  public int cachedTokens(PromptKey prompt) {
    PrefixNode last = prefixes.find(prompt);
    return last == null ? 0 : last.depth() * blockSize;
  }

  /**
   * Blocks for a request, or null while there are too few. Idle blocks give way, but not for a
   * request that would still not fit.
   *
   * @param tokens of the prompt and of the answer
   */
  public @Nullable BlockTable tryAllocate(PromptKey prompt, int tokens) {
    int needed = blocksFor(tokens);
    PrefixNode last = prefixes.find(prompt);
    int cached = 0;
    if (last != null) {
      prefixes.hold(last);
      cached = last.depth();
    }
    int fresh = needed - cached;
    if (fresh > allocator.freeBlocks() + prefixes.idleBlocks()) {
      if (last != null) {
        prefixes.release(last);
      }
      return null;
    }
    prefixes.evict(Math.max(0, fresh - allocator.freeBlocks()), allocator::give);
    var blocks = new int[needed];
    for (PrefixNode node = last; node != null && node.depth() > 0; node = node.parent()) {
      blocks[node.depth() - 1] = node.block();
    }
    for (int i = cached; i < needed; i++) {
      blocks[i] = allocator.take();
    }
    return new BlockTable(this, blocks, tokens, keepsPrefixes ? prompt : null, last);
  }

  /** No later prompt of the owner will share what was computed until now. */
  public void forget(PrefixOwner owner) {
    prefixes.forget(owner);
  }

  /** No later prompt will share what was computed until now. */
  public void forgetAll() {
    prefixes.forgetAll();
  }

  /** Tokens of a block. */
  public int blockSize() {
    return blockSize;
  }

  public int freeBlocks() {
    return allocator.freeBlocks();
  }

  /** Blocks that hold parts of prompts and are given up when somebody needs them. */
  public int idleBlocks() {
    return prefixes.idleBlocks();
  }

  /** Blocks that requests hold, shared ones counted once. */
  public int heldBlocks() {
    return usableBlocks() - freeBlocks() - idleBlocks();
  }

  /** Blocks that can be handed out, in whatever state. */
  public int usableBlocks() {
    return allocator.usableBlocks();
  }

  /** Takes a computed prompt in, and holds what it ends with in place of what it began with. */
  @Nullable PrefixNode share(
      PromptKey prompt, int[] blocks, @Nullable PrefixNode held, IntConsumer kept) {
    PrefixNode last = prefixes.insert(prompt, blocks, held, kept);
    if (last != held && last != null) {
      prefixes.hold(last);
      if (held != null) {
        prefixes.release(held);
      }
    }
    return last;
  }

  void release(int[] blocks, BitSet shared, @Nullable PrefixNode held) {
    for (int i = blocks.length - 1; i >= 0; i--) {
      if (!shared.get(i)) {
        allocator.give(blocks[i]);
      }
    }
    if (held != null) {
      prefixes.release(held);
    }
  }

  private int blocksFor(int tokens) {
    return Math.ceilDiv(Math.max(tokens, 1), blockSize);
  }
}
