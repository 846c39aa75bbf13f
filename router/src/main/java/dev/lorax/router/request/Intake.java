package dev.lorax.router.request;

import dev.lorax.router.adapter.AdapterKey;
import dev.lorax.router.batching.BatchLoop;
import dev.lorax.router.batching.Entry;
import dev.lorax.router.batching.Share;
import dev.lorax.router.batching.Ticker;
import dev.lorax.router.generation.GenerationRequest;
import dev.lorax.router.generation.GenerationSink;
import dev.lorax.router.generation.Rejection;
import java.time.Duration;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The way of a request into the batch loop: a place in the server, a worker thread for what costs
 * CPU, a number. Thread-safe.
 *
 * <p>The places are what bounds everything behind them: workers' queue, batch loop's queue,
 * answers.
 */
public final class Intake implements AutoCloseable {
  private static final Rejection CLOSING = Rejection.unavailable("the server is shutting down");

  /** How often a router that drains looks whether it may end. */
  private static final long LOOK_MILLIS = 20;

  private final RequestLimits limits;
  private final BatchLoop loop;
  private final Ticker ticker;
  private final Semaphore places;
  private final ExecutorService workers;
  private final AtomicLong nextId = new AtomicLong();
  private volatile boolean leaving;
  private volatile boolean closing;

  public Intake(RequestLimits limits, int validationWorkers, BatchLoop loop, Ticker ticker) {
    this.limits = limits;
    this.loop = loop;
    this.ticker = ticker;
    this.places = new Semaphore(limits.maxConcurrentRequests());
    ThreadFactory threads = Thread.ofPlatform().name("validation-", 0).daemon().factory();
    this.workers =
        new ThreadPoolExecutor(
            validationWorkers,
            validationWorkers,
            0,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(limits.maxConcurrentRequests()),
            threads);
  }

  /** Why nobody new may enter now, or null. */
  public @Nullable Rejection closed() {
    return closing ? CLOSING : null;
  }

  /** A place for a request, or null if the server is full. */
  public @Nullable Place tryEnter() {
    return places.tryAcquire() ? new Place(places) : null;
  }

  /** Threads for what costs CPU; only for requests that hold a place. */
  public Executor workers() {
    return workers;
  }

  /** The clock of a request that is about to be submitted. */
  public Timing timing(long receivedNanos) {
    return new Timing(receivedNanos, ticker.nanos());
  }

  /** Why nobody would get through the queue in time, or null. */
  public @Nullable Rejection congested() {
    return loop.refusal();
  }

  /** Hands a request to the batch loop. */
  public Submission submit(
      GenerationRequest request, AdapterKey adapter, Share share, GenerationSink sink) {
    long now = ticker.nanos();
    var deadlines =
        new Entry.Deadlines(
            now, limits.maxQueueWait().toNanos(), limits.maxRequestTime().toNanos());
    var entry = new Entry(nextId.getAndIncrement(), request, adapter, share, sink, deadlines);
    Rejection refusal = loop.submit(entry);
    return refusal == null ? new Submission.Queued(entry) : new Submission.Refused(refusal);
  }

  /** Everybody is still let in, and told to come back elsewhere. */
  public void leave() {
    leaving = true;
  }

  /** Whether a client should open another connection for its next request. */
  public boolean leaving() {
    return leaving;
  }

  /** From now on only clients that were here before are let in. */
  public void stopAdmitting() {
    leaving = true;
    closing = true;
  }

  /**
   * Waits until nobody is inside and nobody will come back.
   *
   * @param allGone whether nobody can come back
   * @param quiet time after which nobody is expected any more who could
   * @return false if that did not come about within the patience
   */
  public boolean awaitEmpty(BooleanSupplier allGone, Duration quiet, Duration patience)
      throws InterruptedException {
    long begun = ticker.nanos();
    long lastSeen = begun;
    long submitted = nextId.get();
    while (ticker.nanos() - begun < patience.toNanos()) {
      long now = ticker.nanos();
      boolean empty = places.availablePermits() == limits.maxConcurrentRequests();
      if (!empty || submitted != nextId.get()) {
        lastSeen = now;
        submitted = nextId.get();
      }
      if (empty && (allGone.getAsBoolean() || now - lastSeen >= quiet.toNanos())) {
        return true;
      }
      Thread.sleep(LOOK_MILLIS);
    }
    return false;
  }

  @Override
  public void close() {
    workers.shutdownNow();
  }
}
