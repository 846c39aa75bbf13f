package dev.lorax.router.adapter;

import dev.lorax.router.adapter.AdapterState.Ready;

/** One row of the {@link AdapterTable}. Confined to the batch loop. */
public final class Adapter {
  private final AdapterKey key;
  private final int index;
  private final boolean pinned;
  private AdapterState state;
  private int users;
  private long lastUsedNanos;

  Adapter(AdapterKey key, int index, boolean pinned, AdapterState state) {
    this.key = key;
    this.index = index;
    this.pinned = pinned;
    this.state = state;
  }

  public AdapterKey key() {
    return key;
  }

  /** The number under which the shards know it; never given to another adapter. */
  public int index() {
    return index;
  }

  /** Whether it stays on the shards for as long as they live. */
  public boolean pinned() {
    return pinned;
  }

  public AdapterState state() {
    return state;
  }

  /** Whether new requests for it may join a batch. */
  public boolean admits() {
    return state instanceof Ready ready && !ready.yielding();
  }

  /** A request that uses it has joined a batch. */
  public void acquire(long nanoTime) {
    users++;
    lastUsedNanos = nanoTime;
  }

  /** Such a request has left. */
  public void release(long nanoTime) {
    if (users == 0) {
      throw new IllegalStateException(
          "adapter %s released more often than acquired".formatted(key.label()));
    }
    users--;
    lastUsedNanos = nanoTime;
  }

  boolean inUse() {
    return users > 0;
  }

  long lastUsedNanos() {
    return lastUsedNanos;
  }

  void become(AdapterState next) {
    state = next;
  }
}
