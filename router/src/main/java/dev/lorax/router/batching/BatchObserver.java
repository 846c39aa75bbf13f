package dev.lorax.router.batching;

import dev.lorax.router.adapter.AdapterKey;
import dev.lorax.router.adapter.AdapterStatus;
import java.util.List;

/** Is told what happens in the batch loop, on its thread; must not block. */
public interface BatchObserver extends StepObserver {
  /** Why new requests joined a running batch. */
  enum Joining {
    /** There were enough of them. */
    RATIO,
    /** They had waited for long. */
    LONG_WAIT,
    /** The step had room for a chunk of prompts. */
    CHUNKING
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

  /** New requests joined a running batch. */
  void joined(Joining joining);

  /** A prompt was computed, but for the tokens that were cached. */
  void prompted(int promptTokens, int cachedTokens);

  /** Running requests got their next token, that long after the one before. */
  void tokens(int count, long gapNanos);

  void turned(TurnState state);

  /** Where all adapters stand, after a change. */
  void adapters(List<AdapterStatus> all);

  void moved(Move move, AdapterKey adapter, long nanos);

  void moveFailed(Move move, AdapterKey adapter, String message);

  void connected(ShardProfile profile);

  /** The shards are gone; that many of the requests which ran wait for others. */
  void lost(String reason, int interrupted);

  /** Interrupted requests go on with other shards. */
  void resumed(int count);

  /** A bug: the loop has dropped the shards and goes on with new ones. */
  void unexpected(RuntimeException exception);
}
