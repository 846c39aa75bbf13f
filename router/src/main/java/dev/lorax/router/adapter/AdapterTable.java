package dev.lorax.router.adapter;

import dev.lorax.router.adapter.AdapterState.Downloaded;
import dev.lorax.router.adapter.AdapterState.Downloading;
import dev.lorax.router.adapter.AdapterState.Loading;
import dev.lorax.router.adapter.AdapterState.Offloading;
import dev.lorax.router.adapter.AdapterState.Ready;
import dev.lorax.router.adapter.AdapterState.Registered;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * All adapters that requests have named, and which of them are resident. Confined to the batch
 * loop.
 *
 * <p>It decides and remembers; {@link #advance} says what the shards must do, the reports of what
 * they did come back through {@link #downloaded}, {@link #loaded}, {@link #offloaded} and {@link
 * #failed}. Rows nobody needs are dropped, so wrong ids do not pile up.
 */
public final class AdapterTable {
  private static final float WHOLE_MEMORY = 1.0f;

  private final ResidencyLimits limits;
  private final Map<AdapterKey, Adapter> rows = new LinkedHashMap<>();
  private int nextIndex = 1;

  public AdapterTable(ResidencyLimits limits) {
    this.limits = limits;
    reset(List.of());
  }

  /**
   * Starts over with shards that hold the given adapters and no other. Indices go on counting: a
   * shard that outlived its connection may still hold an adapter under an old one.
   */
  public void reset(List<PreloadedAdapter> preloaded) {
    rows.clear();
    var always = new Ready(0, 0, false);
    rows.put(AdapterKey.BASE, new Adapter(AdapterKey.BASE, 0, true, always));
    for (PreloadedAdapter adapter : preloaded) {
      rows.put(adapter.key(), new Adapter(adapter.key(), adapter.index(), true, always));
      nextIndex = Math.max(nextIndex, adapter.index() + 1);
    }
  }

  /** The row of a key; a new one where nobody asked before. */
  public Adapter resolve(AdapterKey key) {
    // What the operator of the server preloaded is for everybody, whatever token they send along.
    Adapter shared = rows.get(key.withoutToken());
    if (shared != null && shared.pinned()) {
      return shared;
    }
    return rows.computeIfAbsent(key, k -> new Adapter(k, nextIndex++, false, new Registered()));
  }

  /** Adapters on the shards, the base model first. */
  public List<Adapter> resident() {
    return rows.values().stream().filter(a -> a.state() instanceof Ready).toList();
  }

  /** Decides what the shards do next; each action is returned once. */
  public List<AdapterAction> advance(Predicate<Adapter> hasWaiting, long nanoTime) {
    var actions = new ArrayList<AdapterAction>();
    rows.values()
        .removeIf(a -> a.state() instanceof Downloaded && !a.inUse() && !hasWaiting.test(a));
    for (Adapter adapter : rows.values()) {
      if (adapter.state() instanceof Registered registered) {
        adapter.become(registered.download());
        actions.add(new AdapterAction.Download(adapter));
      }
    }
    load(actions);
    makeRoom(actions, hasWaiting, nanoTime);
    return actions;
  }

  public void downloaded(Adapter adapter, float memoryFraction) {
    if (adapter.state() instanceof Downloading downloading) {
      adapter.become(downloading.downloaded(memoryFraction));
    }
  }

  public void loaded(Adapter adapter, long nanoTime) {
    if (adapter.state() instanceof Loading loading) {
      adapter.become(loading.loaded(nanoTime));
    }
  }

  /** The adapter goes to the end of the line of those that wait for a place. */
  public void offloaded(Adapter adapter) {
    if (adapter.state() instanceof Offloading offloading) {
      adapter.become(offloading.offloaded());
      rows.remove(adapter.key());
      rows.put(adapter.key(), adapter);
    }
  }

  /** Forgets the adapter, so that the next request for it tries again from the start. */
  public void failed(Adapter adapter) {
    rows.remove(adapter.key(), adapter);
  }

  private void load(List<AdapterAction> actions) {
    for (Adapter adapter : rows.values()) {
      if (adapter.state() instanceof Downloaded downloaded) {
        // First come, first placed: a small adapter does not overtake a large one for ever.
        if (!hasRoomFor(downloaded.memoryFraction())) {
          return;
        }
        adapter.become(downloaded.load());
        actions.add(new AdapterAction.Load(adapter));
      }
    }
  }

  private boolean hasRoomFor(float memoryFraction) {
    Collection<Adapter> active = active();
    float used = 0;
    for (Adapter adapter : active) {
      used += memoryFraction(adapter.state());
    }
    return active.size() < limits.maxActiveAdapters() && used + memoryFraction <= WHOLE_MEMORY;
  }

  private List<Adapter> active() {
    return rows.values().stream()
        .filter(a -> !a.pinned())
        .filter(a ->
            switch (a.state()) {
              case Loading _, Ready _, Offloading _ -> true;
              case Registered _, Downloading _, Downloaded _ -> false;
            })
        .toList();
  }

  private static float memoryFraction(AdapterState state) {
    return switch (state) {
      case Downloaded downloaded -> downloaded.memoryFraction();
      case Loading loading -> loading.memoryFraction();
      case Ready ready -> ready.memoryFraction();
      case Offloading offloading -> offloading.memoryFraction();
      case Registered _, Downloading _ -> 0;
    };
  }

  private void makeRoom(List<AdapterAction> actions, Predicate<Adapter> hasWaiting, long nanoTime) {
    long waiting = rows.values().stream().filter(a -> a.state() instanceof Downloaded).count();
    if (waiting == 0) {
      active().forEach(a -> yieldPlace(a, false));
      return;
    }
    long leaving = active().stream().filter(AdapterTable::leaves).count();
    while (leaving < waiting && askToLeave(hasWaiting, nanoTime)) {
      leaving++;
    }
    for (Adapter adapter : active()) {
      if (!adapter.inUse() && adapter.state() instanceof Ready ready && ready.yielding()) {
        adapter.become(ready.offload());
        actions.add(new AdapterAction.Offload(adapter));
      }
    }
  }

  /** Prefers the least recently used idle adapter, then the one that has had its place longest. */
  private boolean askToLeave(Predicate<Adapter> hasWaiting, long nanoTime) {
    Optional<Adapter> idle =
        active().stream()
            .filter(a -> a.admits() && !a.inUse() && !hasWaiting.test(a))
            .min(Comparator.comparingLong(Adapter::lastUsedNanos));
    Optional<Adapter> leaver = idle.or(() -> longestResident(nanoTime));
    leaver.ifPresent(a -> yieldPlace(a, true));
    return leaver.isPresent();
  }

  private Optional<Adapter> longestResident(long nanoTime) {
    return active().stream()
        .filter(a -> a.admits() && nanoTime - since(a) > limits.cycleTime().toNanos())
        .min(Comparator.comparingLong(AdapterTable::since));
  }

  private static long since(Adapter adapter) {
    return adapter.state() instanceof Ready ready ? ready.sinceNanos() : Long.MAX_VALUE;
  }

  private static boolean leaves(Adapter adapter) {
    return adapter.state() instanceof Offloading
        || (adapter.state() instanceof Ready ready && ready.yielding());
  }

  private static void yieldPlace(Adapter adapter, boolean yielding) {
    if (adapter.state() instanceof Ready ready) {
      adapter.become(ready.yielding(yielding));
    }
  }
}
