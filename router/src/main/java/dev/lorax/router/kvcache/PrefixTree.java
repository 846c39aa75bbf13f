package dev.lorax.router.kvcache;

import dev.lorax.router.kvcache.PrefixNode.BlockTokens;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeSet;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Blocks of prompts that have been computed, by what they hold: a radix tree for each owner whose
 * nodes are whole blocks. Confined to the batch loop.
 *
 * <p>Whoever uses a path holds its last node, and with it all above. What nobody holds is idle:
 * room that is given up, leaf by leaf, from what was used longest ago.
 */
final class PrefixTree {
  private static final Comparator<PrefixNode> LONGEST_UNUSED_FIRST =
      Comparator.comparingLong((PrefixNode node) -> node.lastUsed)
          .thenComparingInt(PrefixNode::block);

  private final int blockSize;
  private final Map<PrefixOwner, PrefixNode> roots = new HashMap<>();
  private final TreeSet<PrefixNode> idleLeaves = new TreeSet<>(LONGEST_UNUSED_FIRST);
  private int nodes;
  private int heldNodes;
  private long clock;

  PrefixTree(int blockSize) {
    this.blockSize = blockSize;
  }

  /** Blocks that nobody holds. */
  int idleBlocks() {
    return nodes - heldNodes;
  }

  /** The deepest node on the prompt's path; null if not even its first block is known. */
  @Nullable PrefixNode find(PromptKey prompt) {
    PrefixNode node = roots.get(prompt.owner());
    int blocks = prompt.reusableBlocks(blockSize);
    for (int i = 0; node != null && i < blocks; i++) {
      PrefixNode next = node.child(BlockTokens.of(prompt.tokenIds(), i, blockSize));
      if (next == null) {
        break;
      }
      node = next;
    }
    return node == null || node.depth() == 0 ? null : node;
  }

  /**
   * Adds the whole blocks of a prompt that has been computed; those whose tokens are known already
   * stay with the caller.
   *
   * @param blocks of the prompt, in order
   * @param last how much of it came out of the tree
   * @param kept told the place of each block that the tree has taken over
   * @return the last node of the prompt, held by nobody yet; null if it fills no block
   */
  @Nullable PrefixNode insert(
      PromptKey prompt, int[] blocks, @Nullable PrefixNode last, IntConsumer kept) {
    int whole = prompt.wholeBlocks(blockSize);
    int known = last == null ? 0 : last.depth();
    if (whole == known) {
      return last;
    }
    PrefixNode node =
        last == null ? roots.computeIfAbsent(prompt.owner(), _ -> PrefixNode.root()) : last;
    for (int i = known; i < whole; i++) {
      var tokens = BlockTokens.of(prompt.tokenIds(), i, blockSize);
      PrefixNode next = node.child(tokens);
      if (next == null) {
        idleLeaves.remove(node);
        next = node.add(tokens, blocks[i]);
        nodes++;
        kept.accept(i);
      }
      node = next;
    }
    return node;
  }

  /** Keeps a node and those above it from being given up. */
  void hold(PrefixNode last) {
    for (PrefixNode node = last; node != null && node.holders++ == 0; node = node.parent()) {
      if (node.depth() > 0) {
        idleLeaves.remove(node);
        heldNodes++;
      }
    }
  }

  /** Undoes {@link #hold}. */
  void release(PrefixNode last) {
    clock++;
    for (PrefixNode node = last; node != null; node = node.parent()) {
      node.lastUsed = clock;
    }
    for (PrefixNode node = last; node != null && --node.holders == 0; node = node.parent()) {
      if (node.depth() > 0) {
        heldNodes--;
        rest(node);
      }
    }
  }

  /** Gives up that many idle blocks; there must be as many. */
  void evict(int count, IntConsumer freed) {
    for (int i = 0; i < count; i++) {
      PrefixNode leaf = idleLeaves.removeFirst();
      leaf.detach();
      nodes--;
      freed.accept(leaf.block());
      PrefixNode parent = leaf.parent();
      if (parent != null && parent.depth() > 0) {
        rest(parent);
      } else if (parent != null && parent.isLeaf()) {
        roots.values().remove(parent);
      }
    }
  }

  /** Nobody finds the owner's blocks any more; they are given up as they would have been. */
  void forget(PrefixOwner owner) {
    roots.remove(owner);
  }

  void forgetAll() {
    roots.clear();
  }

  private void rest(PrefixNode node) {
    if (node.holders == 0 && node.isLeaf()) {
      idleLeaves.add(node);
    }
  }
}
