package dev.lorax.router.encoding;

import java.util.function.BooleanSupplier;

/**
 * How much of the shards' time texts may take. While generations run, a call is short, so that
 * nobody's next token waits long, and as much time as it took is left to them before the next one:
 * texts get half of the time at most. Confined to the encoding loop.
 */
final class Pace {
  /** Of a call beside running generations: a few of their steps. */
  private static final double SHORT_CALL_NANOS = 50e6;

  /** Tokens of the first call beside running generations, when nobody knows how long they take. */
  private static final int FIRST_TOKENS = 256;

  private static final double MEMORY = 0.8;

  private final int maxTokens;
  private final BooleanSupplier generating;
  private double tokensPerNano;
  private boolean pausing;
  private long resumeNanos;

  /**
   * @param maxTokens of any call
   * @param generating whether generations run or wait
   */
  Pace(int maxTokens, BooleanSupplier generating) {
    this.maxTokens = maxTokens;
    this.generating = generating;
  }

  /** Tokens that the next call may carry. */
  int budget() {
    if (!generating.getAsBoolean()) {
      return maxTokens;
    }
    double tokens = tokensPerNano == 0 ? FIRST_TOKENS : tokensPerNano * SHORT_CALL_NANOS;
    return (int) Math.max(1, Math.min(tokens, maxTokens));
  }

  /** A call has ended. */
  void called(long tokens, long startNanos, long endNanos) {
    long took = Math.max(endNanos - startNanos, 1);
    double speed = (double) tokens / took;
    tokensPerNano = tokensPerNano == 0 ? speed : MEMORY * tokensPerNano + (1 - MEMORY) * speed;
    pausing = generating.getAsBoolean();
    resumeNanos = endNanos + took;
  }

  /** How long no call may begin, 0 if one may now. */
  long pauseNanos(long nanoTime) {
    if (pausing && (nanoTime - resumeNanos >= 0 || !generating.getAsBoolean())) {
      pausing = false;
    }
    return pausing ? resumeNanos - nanoTime : 0;
  }
}
