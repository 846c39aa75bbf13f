package dev.lorax.router.batching;

import dev.lorax.router.adapter.AdapterKey;
import dev.lorax.router.adapter.AdapterStatus;
import java.util.List;

/** Is told what happens in the batch loop, on its thread; must not block. */
public interface BatchObserver extends StepObserver {
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

  /** New requests interrupted a running batch. */
  void joined(boolean afterLongWait);

  /** Running requests got their next token, that long after the one before. */
  void tokens(int count, long gapNanos);

  void turned(TurnState state);

  /** Where all adapters stand, after a change. */
  void adapters(List<AdapterStatus> all);

  void moved(Move move, AdapterKey adapter, long nanos);

  void moveFailed(Move move, AdapterKey adapter, String message);

  void connected(ShardProfile profile);

  void lost(String reason);

  /** A bug: the loop has dropped the shards and goes on with new ones. */
  void unexpected(RuntimeException exception);
}
