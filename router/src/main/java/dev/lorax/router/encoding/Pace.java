package dev.lorax.router.encoding;

/**
 * How much of the shards' time texts may take. On a model that also generates, a call lasts a
 * moment, so that a prompt that comes meanwhile waits no longer than that. While generations run,
 * it is shorter, and as much time as it took is left to them before the next one: texts get half of
 * the time at most. Confined to the encoding loop.
 */
final class Pace {
  /** Of a call beside running generations: a few of their steps. */
  private static final double SHORT_CALL_NANOS = 50e6;

  /** Of a call that a prompt may come upon: long against what a call costs by itself. */
  private static final double CALL_NANOS = 250e6;

  /** Tokens of the first call on such a model, when nobody knows how long they take. */
  private static final int FIRST_TOKENS = 256;

  private static final double MEMORY = 0.8;

  private final int maxTokens;
  private final Neighbours neighbours;
  private double tokensPerNano;
  private boolean pausing;
  private long resumeNanos;

  /**
   * @param maxTokens of any call
   */
  Pace(int maxTokens, Neighbours neighbours) {
    this.maxTokens = maxTokens;
    this.neighbours = neighbours;
  }

  /** Tokens that the next call may carry. */
  int budget() {
    if (!neighbours.possible()) {
      return maxTokens;
    }
    double nanos = neighbours.present() ? SHORT_CALL_NANOS : CALL_NANOS;
    double tokens = tokensPerNano == 0 ? FIRST_TOKENS : tokensPerNano * nanos;
    return (int) Math.max(1, Math.min(tokens, maxTokens));
  }

  /** A call has ended. */
  void called(long tokens, long startNanos, long endNanos) {
    long took = Math.max(endNanos - startNanos, 1);
    double speed = (double) tokens / took;
    tokensPerNano = tokensPerNano == 0 ? speed : MEMORY * tokensPerNano + (1 - MEMORY) * speed;
    pausing = neighbours.present();
    resumeNanos = endNanos + took;
  }

  /** How long no call may begin, 0 if one may now. */
  long pauseNanos(long nanoTime) {
    if (pausing && (nanoTime - resumeNanos >= 0 || !neighbours.present())) {
      pausing = false;
    }
    return pausing ? resumeNanos - nanoTime : 0;
  }
}
