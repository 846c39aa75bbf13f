package dev.lorax.router.kvcache;

/**
 * What decides the keys and values of a prompt. The ids are not copied and must not change.
 *
 * @param reuses whether blocks of an earlier prompt will do; not for a request that asks what the
 *     model makes of every token of its prompt
 */
public record PromptKey(PrefixOwner owner, int[] tokenIds, boolean reuses) {
  /** Blocks that are filled by the prompt alone. */
  int wholeBlocks(int blockSize) {
    return tokenIds.length / blockSize;
  }

  /** Blocks that may come from an earlier prompt: at least one token is left to compute. */
  int reusableBlocks(int blockSize) {
    return reuses ? Math.max(0, tokenIds.length - 1) / blockSize : 0;
  }

  @Override
  public String toString() {
    return "PromptKey[%s, %d tokens]".formatted(owner, tokenIds.length);
  }
}
