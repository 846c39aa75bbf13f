package dev.lorax.router.batching;

import dev.lorax.router.generation.Generation;
import dev.lorax.router.generation.Token;
import java.util.Arrays;

/**
 * How far a request has come, so that other shards can go on with it when its own are lost.
 * Confined to the batch loop.
 */
final class Progress {
  /** Times that a request may go on after shards that were lost while they computed it. */
  static final int MOST_RESUMPTIONS = 2;

  private static final int FIRST_ROOM = 16;
  private static final int[] NONE = {};

  private int[] tokenIds = NONE;
  private int tokens;
  private int lostSteps;
  private boolean scheduled;
  private boolean interrupted;

  /** Ids of the tokens generated so far. */
  int[] tokenIds() {
    return tokens == 0 ? NONE : Arrays.copyOf(tokenIds, tokens);
  }

  /** Number of tokens generated so far. */
  int tokens() {
    return tokens;
  }

  void generated(Generation generation) {
    for (Token token : generation.tokens()) {
      if (tokens == tokenIds.length) {
        tokenIds = Arrays.copyOf(tokenIds, Math.max(FIRST_ROOM, 2 * tokens));
      }
      tokenIds[tokens++] = token.id();
    }
  }

  /** True the first time that the request leaves the queue. */
  boolean schedule() {
    boolean first = !scheduled;
    scheduled = true;
    return first;
  }

  /** Whether its shards were lost and it waits to go on with others. */
  boolean interrupted() {
    return interrupted;
  }

  /**
   * Its shards are lost.
   *
   * @param stepping whether that happened in a step that computed it, so that it may be the cause
   */
  void interrupt(boolean stepping) {
    interrupted = true;
    if (stepping) {
      lostSteps++;
    }
  }

  /** Other shards have taken it on; false if there was nothing to go on with. */
  boolean resume() {
    boolean resumed = interrupted;
    interrupted = false;
    return resumed;
  }

  /** Steps of it in which shards were lost. */
  int lostSteps() {
    return lostSteps;
  }

  /** Whether it has ended too many shards, as far as one can see. */
  boolean exhausted() {
    return lostSteps > MOST_RESUMPTIONS;
  }

  /** Whether nobody else may be in its next Prefill, which may be its last. */
  boolean suspect() {
    return lostSteps == MOST_RESUMPTIONS;
  }
}
