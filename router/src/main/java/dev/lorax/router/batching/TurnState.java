package dev.lorax.router.batching;

/**
 * How things stand at the end of a turn of the batch loop.
 *
 * @param waitingTokens tokens that the waiting requests may need
 * @param heldBlocks blocks of the key-value cache that running requests hold
 * @param idleBlocks blocks that keep parts of earlier prompts and give way when there is need
 * @param usableBlocks blocks that there are, 0 while no shards are connected
 */
public record TurnState(
    int waiting,
    long waitingTokens,
    int running,
    int heldBlocks,
    int idleBlocks,
    int usableBlocks,
    int blockSize) {
  /** Before anything happened. */
  public static final TurnState NONE = withoutShards(0, 0);

  /** While no shards are connected. */
  static TurnState withoutShards(int waiting, long waitingTokens) {
    return new TurnState(waiting, waitingTokens, 0, 0, 0, 0, 1);
  }

  /** Tokens for which running requests hold blocks. */
  public int heldTokens() {
    return heldBlocks * blockSize;
  }

  /** Share of the cache that is held, 0 to 1. */
  public double cacheUse() {
    return usableBlocks == 0 ? 0 : (double) heldBlocks / usableBlocks;
  }
}
