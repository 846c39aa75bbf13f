package dev.lorax.router.kvcache;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One computed block of prompts that begin alike, or the root above all first blocks. Belongs to a
 * {@link PrefixTree}.
 */
final class PrefixNode {
  /** The tokens of one block, as a key. */
  static final class BlockTokens {
    private final int[] ids;
    private final int hash;

    private BlockTokens(int[] ids) {
      this.ids = ids;
      this.hash = Arrays.hashCode(ids);
    }

    static BlockTokens of(int[] prompt, int block, int blockSize) {
      return new BlockTokens(
          Arrays.copyOfRange(prompt, block * blockSize, (block + 1) * blockSize));
    }

    @Override
    public boolean equals(@Nullable Object other) {
      return other instanceof BlockTokens that && Arrays.equals(ids, that.ids);
    }

    @Override
    public int hashCode() {
      return hash;
    }
  }

  private final @Nullable PrefixNode parent;
  private final @Nullable BlockTokens tokens;
  private final int block;
  private final int depth;
  private final Map<BlockTokens, PrefixNode> children = new HashMap<>(2);

  /** Tables that end here, and children that are held. */
  int holders;

  /** On the tree's clock. */
  long lastUsed;

  private PrefixNode(
      @Nullable PrefixNode parent, @Nullable BlockTokens tokens, int block, int depth) {
    this.parent = parent;
    this.tokens = tokens;
    this.block = block;
    this.depth = depth;
  }

  static PrefixNode root() {
    return new PrefixNode(null, null, 0, 0);
  }

  /** A new node below this one, which takes the block over. */
  PrefixNode add(BlockTokens next, int nextBlock) {
    var child = new PrefixNode(this, next, nextBlock, depth + 1);
    children.put(next, child);
    return child;
  }

  @Nullable PrefixNode child(BlockTokens next) {
    return children.get(next);
  }

  /** Takes this leaf out of the tree. */
  void detach() {
    if (parent == null || tokens == null || !isLeaf()) {
      throw new IllegalStateException("only leaves can be taken out of the tree");
    }
    parent.children.remove(tokens);
  }

  @Nullable PrefixNode parent() {
    return parent;
  }

  boolean isLeaf() {
    return children.isEmpty();
  }

  int block() {
    return block;
  }

  /** Blocks from the first one to this one, 0 for a root. */
  int depth() {
    return depth;
  }
}
