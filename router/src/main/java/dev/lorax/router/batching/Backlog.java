package dev.lorax.router.batching;

import dev.lorax.router.generation.Rejection;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * How much waits in the queue and how fast it goes, so that a request that would wait in vain is
 * told so at once. Fed by the batch loop; asked from any thread.
 *
 * <p>Tokens are those that a request may need: its prompt and the most it may generate.
 */
public final class Backlog {
  /** What happened this long ago counts half. */
  private static final double HALF_LIFE_NANOS = 10e9;

  /** Less time with a queue than this says nothing about how fast it goes. */
  private static final double LEAST_CONGESTED_NANOS = 2e9;

  private static final int LONGEST_RETRY_SECONDS = 60;

  private final long maxTokens;
  private final long maxWaitNanos;
  private final AtomicLong onTheWay = new AtomicLong();
  private volatile long waitingTokens;
  private volatile double tokensPerNano;
  private double takenTokens;
  private double congestedNanos;
  private long lastNanos;
  private boolean congested;

  /**
   * @param maxTokens tokens that may wait
   * @param maxWait a request that would wait longer is refused
   */
  public Backlog(long maxTokens, Duration maxWait) {
    this.maxTokens = maxTokens;
    this.maxWaitNanos = maxWait.toNanos();
  }

  /** Why that many tokens may not join the queue now, or null. */
  public @Nullable Rejection refusal(long tokens) {
    long ahead = waitingTokens + onTheWay.get();
    double speed = tokensPerNano;
    long bound = maxTokens;
    if (speed > 0) {
      bound = (long) Math.min(bound, speed * maxWaitNanos);
    }
    // A request that finds nobody waiting is taken, however long it is.
    if (ahead == 0 || ahead + tokens <= bound) {
      return null;
    }
    double nanos = speed > 0 ? (ahead + tokens - bound) / speed : 0;
    long seconds = TimeUnit.NANOSECONDS.toSeconds((long) nanos) + 1;
    return Rejection.overloaded((int) Math.min(seconds, LONGEST_RETRY_SECONDS));
  }

  /** A request has been handed to the batch loop, which has not looked at it yet. */
  void sent(long tokens) {
    onTheWay.addAndGet(tokens);
  }

  /** It does not wait: it has been refused, or will not be looked at. */
  void returned(long tokens) {
    onTheWay.addAndGet(-tokens);
  }

  /** The batch loop has let it wait. Called by the loop alone. */
  @SuppressWarnings("NonAtomicOperationOnVolatileField") // nobody else writes it
  void queued(long tokens) {
    waitingTokens += tokens;
    onTheWay.addAndGet(-tokens);
  }

  /**
   * The state at the end of a turn.
   *
   * @param waiting tokens in the queue
   * @param taken tokens that left it to be served, since the last turn
   * @param connected whether there are shards; the time without them tells nothing of their speed
   */
  void turned(long waiting, long taken, long nanoTime, boolean connected) {
    if (congested && connected) {
      // Only while somebody waits is the speed that of the server and not that of its clients.
      long passed = nanoTime - lastNanos;
      double decay = Math.exp(-passed * Math.log(2) / HALF_LIFE_NANOS);
      takenTokens = takenTokens * decay + taken;
      congestedNanos = congestedNanos * decay + passed;
      tokensPerNano = congestedNanos < LEAST_CONGESTED_NANOS ? 0 : takenTokens / congestedNanos;
    }
    lastNanos = nanoTime;
    congested = waiting > 0;
    waitingTokens = waiting;
  }
}
