package dev.lorax.router.request;

import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;

/** The right of a request to be in the server. Thread-safe; closing again does nothing. */
public final class Place implements AutoCloseable {
  private final Semaphore places;
  private final AtomicInteger held = new AtomicInteger(1);

  Place(Semaphore places) {
    this.places = places;
  }

  /** Takes further places for a request that generates several sequences. */
  public boolean widen(int more) {
    if (!places.tryAcquire(more)) {
      return false;
    }
    held.addAndGet(more);
    return true;
  }

  @Override
  public void close() {
    places.release(held.getAndSet(0));
  }
}
