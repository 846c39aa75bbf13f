package dev.lorax.router.batching;

import dev.lorax.router.adapter.AdapterKey;

/** Is told what happens in the batch loop, on its thread; must not block. */
public interface BatchObserver {
  /** What the shards were asked for. */
  enum Step {
    PREFILL,
    DECODE
  }

  /** What was done to an adapter. */
  enum Move {
    DOWNLOAD("downloaded"),
    LOAD("loaded"),
    OFFLOAD("offloaded");

    private final String participle;

    Move(String participle) {
      this.participle = participle;
    }

    /** For messages: what has or has not been done. */
    public String participle() {
      return participle;
    }
  }

  void stepSucceeded(Step step, int size, long nanos);

  void stepFailed(Step step, int size, String message);

  /** New requests interrupted a running batch. */
  void joined(boolean afterLongWait);

  /** State at the end of a turn. */
  void turned(int waiting, int running, int heldTokens);

  void moved(Move move, AdapterKey adapter, long nanos);

  void moveFailed(Move move, AdapterKey adapter, String message);

  void connected(ShardProfile profile);

  void lost(String reason);

  /** A bug: the loop has dropped the shards and goes on with new ones. */
  void unexpected(RuntimeException exception);
}
