package dev.lorax.router.adapter;

import dev.lorax.router.adapter.AdapterState.Ready;
import org.jspecify.annotations.Nullable;

/** One row of the {@link AdapterTable}. Confined to the batch loop. */
public final class Adapter {
  private final AdapterKey key;
  private final int index;
  private final boolean preloaded;
  private AdapterState state;
  private @Nullable AdapterFacts facts;
  private boolean pinned;
  private boolean wanted;
  private boolean dismissed;
  private int loads;
  private int users;
  private long lastUsedNanos;

  Adapter(AdapterKey key, int index, boolean preloaded, AdapterState state) {
    this.key = key;
    this.index = index;
    this.preloaded = preloaded;
    this.state = state;
  }

  public AdapterKey key() {
    return key;
  }

  /** The number under which the shards know it; never given to another adapter. */
  public int index() {
    return index;
  }

  /** Whether the shards hold it from their start on, for everybody and for as long as they live. */
  public boolean preloaded() {
    return preloaded;
  }

  public AdapterState state() {
    return state;
  }

  /** What the shards told of it when they loaded it; absent if nothing. */
  public @Nullable AdapterFacts facts() {
    return facts;
  }

  void learn(@Nullable AdapterFacts told) {
    facts = told;
  }

  /** How often the shards were asked to load it; what it computes is the same in between. */
  public int loads() {
    return loads;
  }

  /** Whether the operator of the server wants it to keep its place. */
  public boolean pinned() {
    return pinned;
  }

  public void pin(boolean value) {
    pinned = value;
    dismissed = dismissed && !value;
  }

  /** Whether it is to be loaded although no request waits for it. */
  public boolean wanted() {
    return wanted;
  }

  public void want(boolean value) {
    wanted = value;
    dismissed = dismissed && !value;
  }

  /** Whether it is to leave the shards as soon as its running requests have ended. */
  public boolean dismissed() {
    return dismissed;
  }

  /** Asks it to leave; whoever needs it next has it loaded again. */
  public void dismiss() {
    dismissed = state instanceof Ready;
    pinned = false;
    wanted = false;
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

  /** Requests in the batch that use it. */
  public int users() {
    return users;
  }

  long lastUsedNanos() {
    return lastUsedNanos;
  }

  void become(AdapterState next) {
    state = next;
    if (next instanceof AdapterState.Loading) {
      loads++;
    }
    if (!(next instanceof Ready)) {
      dismissed = false;
    }
  }
}
