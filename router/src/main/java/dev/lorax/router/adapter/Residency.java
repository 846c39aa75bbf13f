package dev.lorax.router.adapter;

import dev.lorax.router.adapter.AdapterState.Downloaded;
import dev.lorax.router.adapter.AdapterState.Offloading;
import dev.lorax.router.adapter.AdapterState.Ready;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * Who gets the places on the shards. Confined to the batch loop.
 *
 * <p>Adapters that wait for a place get one in the order in which their requests would go. Room is
 * made by the idle adapter that was used longest ago; where all are busy, by the one whose requests
 * would go last, once it has had its place for the cycle time. So the wait for a place is bounded,
 * whatever the others ask for.
 */
final class Residency {
  private static final float WHOLE_MEMORY = 1.0f;

  private final ResidencyLimits limits;

  Residency(ResidencyLimits limits) {
    this.limits = limits;
  }

  void arrange(
      Collection<Adapter> rows, Demand demand, long nanoTime, List<AdapterAction> actions) {
    List<Adapter> active = new ArrayList<>();
    List<Adapter> waiting = new ArrayList<>();
    for (Adapter adapter : rows) {
      if (adapter.state().active() && !adapter.preloaded()) {
        active.add(adapter);
      } else if (adapter.state() instanceof Downloaded) {
        waiting.add(adapter);
      }
    }
    waiting.sort(Comparator.comparingDouble(demand::precedence));
    load(waiting, active, actions);
    makeRoom(waiting, active, demand, nanoTime);
    offload(active, actions);
  }

  /** Those that get a place move from the waiting to the active. */
  private void load(List<Adapter> waiting, List<Adapter> active, List<AdapterAction> actions) {
    // A small adapter does not overtake a large one for ever: the first that does not fit waits.
    while (!waiting.isEmpty()
        && waiting.getFirst().state() instanceof Downloaded next
        && hasRoom(active, next)) {
      Adapter adapter = waiting.removeFirst();
      adapter.become(next.load());
      active.add(adapter);
      actions.add(new AdapterAction.Load(adapter));
    }
  }

  private boolean hasRoom(List<Adapter> active, Downloaded next) {
    float used = 0;
    for (Adapter adapter : active) {
      used += adapter.state().memory();
    }
    return active.size() < limits.maxActiveAdapters()
        && used + next.memoryFraction() <= WHOLE_MEMORY;
  }

  private void makeRoom(List<Adapter> waiting, List<Adapter> active, Demand demand, long nanoTime) {
    if (waiting.isEmpty()) {
      active.forEach(adapter -> yieldPlace(adapter, adapter.dismissed()));
      return;
    }
    active.stream().filter(Adapter::dismissed).forEach(adapter -> yieldPlace(adapter, true));
    long leaving = active.stream().filter(Residency::leaves).count();
    while (leaving < waiting.size() && askToLeave(active, demand, nanoTime)) {
      leaving++;
    }
  }

  private boolean askToLeave(List<Adapter> active, Demand demand, long nanoTime) {
    Optional<Adapter> idle =
        active.stream()
            .filter(a -> a.admits() && !a.pinned() && !a.inUse() && !demand.has(a))
            .min(Comparator.comparingLong(Adapter::lastUsedNanos));
    Optional<Adapter> leaver =
        idle.or(() ->
            active.stream()
                .filter(a -> a.admits() && !a.pinned() && hasHadItsTime(a, nanoTime))
                .max(Comparator.comparingDouble(demand::precedence)));
    leaver.ifPresent(a -> yieldPlace(a, true));
    return leaver.isPresent();
  }

  private boolean hasHadItsTime(Adapter adapter, long nanoTime) {
    return adapter.state() instanceof Ready ready
        && nanoTime - ready.sinceNanos() > limits.cycleTime().toNanos();
  }

  private static void offload(List<Adapter> active, List<AdapterAction> actions) {
    for (Adapter adapter : active) {
      if (!adapter.inUse() && adapter.state() instanceof Ready ready && ready.yielding()) {
        adapter.become(ready.offload());
        actions.add(new AdapterAction.Offload(adapter));
      }
    }
  }

  private static boolean leaves(Adapter adapter) {
    return adapter.state() instanceof Offloading
        || (adapter.state() instanceof Ready ready && ready.yielding());
  }

  private static void yieldPlace(Adapter adapter, boolean yielding) {
    if (adapter.state() instanceof Ready ready && ready.yielding() != yielding) {
      adapter.become(ready.yielding(yielding));
    }
  }
}
