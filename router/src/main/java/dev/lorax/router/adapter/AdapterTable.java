package dev.lorax.router.adapter;

import dev.lorax.router.adapter.AdapterState.Downloaded;
import dev.lorax.router.adapter.AdapterState.Downloading;
import dev.lorax.router.adapter.AdapterState.Failed;
import dev.lorax.router.adapter.AdapterState.Loading;
import dev.lorax.router.adapter.AdapterState.Offloading;
import dev.lorax.router.adapter.AdapterState.Ready;
import dev.lorax.router.adapter.AdapterState.Registered;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * All adapters that requests have named, and which of them are resident. Confined to the batch
 * loop.
 *
 * <p>It decides and remembers; {@link #advance} says what the shards must do, the reports of what
 * they did come back through {@link #downloaded}, {@link #loaded}, {@link #offloaded} and {@link
 * #failed}. Rows nobody needs are dropped, so wrong ids do not pile up.
 */
public final class AdapterTable {
  /** Failures that are remembered; whoever makes up ids must not fill the memory with them. */
  private static final int MOST_FAILED = 1024;

  private final Residency residency;
  private final Map<AdapterKey, Adapter> rows = new LinkedHashMap<>();
  private int nextIndex = 1;

  public AdapterTable(ResidencyLimits limits) {
    this.residency = new Residency(limits);
    reset(List.of());
  }

  /**
   * Starts over with shards that hold the given adapters and no other. Indices go on counting: a
   * shard that outlived its connection may still hold an adapter under an old one. What the
   * operator of the server has pinned is wanted again.
   */
  public void reset(List<PreloadedAdapter> preloaded) {
    List<Adapter> pinned = rows.values().stream().filter(Adapter::pinned).toList();
    rows.clear();
    var always = new Ready(0, 0, false);
    rows.put(AdapterKey.BASE, new Adapter(AdapterKey.BASE, 0, true, always));
    for (PreloadedAdapter adapter : preloaded) {
      var row = new Adapter(adapter.key(), adapter.index(), true, always);
      row.learn(adapter.facts());
      rows.put(adapter.key(), row);
      nextIndex = Math.max(nextIndex, adapter.index() + 1);
    }
    pinned.forEach(adapter -> resolve(adapter.key()).pin(true));
  }

  /** The row of a key; a new one where nobody asked before. */
  public Adapter resolve(AdapterKey key) {
    // What the operator of the server preloaded is for everybody, whatever token they send along.
    Adapter shared = rows.get(key.withoutToken());
    if (shared != null && shared.preloaded()) {
      return shared;
    }
    return rows.computeIfAbsent(key, k -> new Adapter(k, nextIndex++, false, new Registered(0)));
  }

  /** The row of a key, or null where nobody asked before. */
  public @Nullable Adapter find(AdapterKey key) {
    Adapter shared = rows.get(key.withoutToken());
    return shared != null && shared.preloaded() ? shared : rows.get(key);
  }

  /** How many adapters keep their places by order. */
  public int pinned() {
    return (int) rows.values().stream().filter(Adapter::pinned).count();
  }

  /** Tries again at once, however often it has failed. */
  public void forgetFailure(Adapter adapter) {
    if (adapter.state() instanceof Failed) {
      adapter.become(new Registered(0));
    }
  }

  /**
   * Why requests for the adapter are refused for now, or null; after a failure's pause the next
   * request tries again.
   */
  public @Nullable Failed refusal(Adapter adapter, long nanoTime) {
    if (!(adapter.state() instanceof Failed failed)) {
      return null;
    }
    if (nanoTime - failed.retryNanos() < 0) {
      return failed;
    }
    adapter.become(failed.retry());
    return null;
  }

  /** A view of all rows. */
  public Collection<Adapter> all() {
    return Collections.unmodifiableCollection(rows.values());
  }

  /** Decides what the shards do next; each action is returned once. */
  public List<AdapterAction> advance(Supplier<Demand> waiting, long nanoTime) {
    if (settled()) {
      return List.of();
    }
    Demand demand = waiting.get();
    var actions = new ArrayList<AdapterAction>();
    rows.values().removeIf(adapter -> !needed(adapter, demand));
    for (Adapter adapter : rows.values()) {
      if (adapter.state() instanceof Registered registered) {
        adapter.become(registered.download());
        actions.add(new AdapterAction.Download(adapter));
      }
    }
    residency.arrange(rows.values(), demand, nanoTime, actions);
    return actions;
  }

  public void downloaded(Adapter adapter, float memoryFraction) {
    if (adapter.state() instanceof Downloading downloading) {
      adapter.become(downloading.downloaded(memoryFraction));
    }
  }

  /**
   * The shards hold it.
   *
   * @param facts what they tell of it; absent if they tell nothing
   */
  public void loaded(Adapter adapter, @Nullable AdapterFacts facts, long nanoTime) {
    if (adapter.state() instanceof Loading loading) {
      adapter.learn(facts);
      adapter.become(loading.loaded(nanoTime));
      adapter.want(false);
    }
  }

  public void offloaded(Adapter adapter) {
    if (adapter.state() instanceof Offloading offloading) {
      adapter.become(offloading.offloaded());
    }
  }

  /** Remembers why, for those who ask before the pause after a failure is over. */
  public void failed(Adapter adapter, String reason, long nanoTime) {
    int failures = adapter.state().failedAttempts() + 1;
    long retryNanos = nanoTime + Backoff.after(failures).toNanos();
    adapter.become(new Failed(reason, failures, retryNanos));
    adapter.want(false);
    List<Adapter> failed = rows.values().stream().filter(a -> a.state() instanceof Failed).toList();
    if (failed.size() > MOST_FAILED) {
      rows.remove(failed.getFirst().key());
    }
  }

  /** Whether nothing is on its way anywhere, so that there is nothing to decide. */
  public boolean settled() {
    for (Adapter adapter : rows.values()) {
      boolean rests =
          switch (adapter.state()) {
            case Ready ready -> !ready.yielding() && !adapter.dismissed();
            case Failed _ -> true;
            case Registered _, Downloading _, Downloaded _, Loading _, Offloading _ -> false;
          };
      if (!rests) {
        return false;
      }
    }
    return true;
  }

  private static boolean needed(Adapter adapter, Demand demand) {
    return !(adapter.state() instanceof Downloaded)
        || adapter.inUse()
        || adapter.pinned()
        || adapter.wanted()
        || demand.has(adapter);
  }
}
