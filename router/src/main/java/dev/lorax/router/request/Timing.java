package dev.lorax.router.request;

/**
 * Moments of one request on the {@link dev.lorax.router.batching.Ticker}. Written by one thread at
 * a time, in this order.
 */
public final class Timing {
  private final long receivedNanos;
  private final long queuedNanos;
  private long scheduledNanos;
  private long firstTokenNanos;
  private long endNanos;

  Timing(long receivedNanos, long queuedNanos) {
    this.receivedNanos = receivedNanos;
    this.queuedNanos = queuedNanos;
  }

  /** Of several sequences the first counts. */
  public void scheduled(long nanoTime) {
    if (scheduledNanos == 0) {
      scheduledNanos = nanoTime;
    }
  }

  public void generated(long nanoTime) {
    if (firstTokenNanos == 0) {
      firstTokenNanos = nanoTime;
    }
    endNanos = nanoTime;
  }

  public long validationNanos() {
    return queuedNanos - receivedNanos;
  }

  public long queueNanos() {
    return scheduledNanos - queuedNanos;
  }

  public long inferenceNanos() {
    return endNanos - scheduledNanos;
  }

  public long totalNanos() {
    return endNanos - receivedNanos;
  }

  public long timeToFirstTokenNanos() {
    return firstTokenNanos - receivedNanos;
  }

  /** Mean over all tokens, the first one with its prefill included. */
  public long nanosPerToken(int tokens) {
    return tokens == 0 ? 0 : inferenceNanos() / tokens;
  }

  /** Mean over the tokens after the first one. */
  public long nanosPerOutputToken(int tokens) {
    return tokens < 2 ? 0 : (endNanos - firstTokenNanos) / (tokens - 1);
  }
}
