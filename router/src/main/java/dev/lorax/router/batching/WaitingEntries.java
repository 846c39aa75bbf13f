package dev.lorax.router.batching;

import dev.lorax.router.adapter.Adapter;
import dev.lorax.router.adapter.AdapterKey;
import dev.lorax.router.adapter.AdapterTable;
import dev.lorax.router.adapter.Demand;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One queue for each adapter and tenant. Confined to the batch loop.
 *
 * <p>Among the queues whose adapter is usable, the one that has been served least goes first. A
 * queue that was empty starts level with the one served last, so no adapter can save up a claim,
 * and while a queue waits the others get only a bounded number of tokens before its turn.
 */
final class WaitingEntries {
  private final QueueOrder order;
  private final Map<FlowKey, Flow> flows = new LinkedHashMap<>();
  private double floor;
  private int size;
  private long tokens;
  private long takenTokens;

  WaitingEntries(QueueOrder order) {
    this.order = order;
  }

  /** Queues an entry for its adapter. */
  void add(Entry entry, Adapter adapter) {
    Flow flow =
        flows.computeIfAbsent(
            new FlowKey(adapter.key(), entry.share().tenant()),
            _ -> new Flow(adapter, entry.share(), floor));
    flow.use(adapter, entry.share());
    if (flow.waiting().isEmpty()) {
      flow.liftTo(floor);
    }
    entry.bind(flow);
    flow.waiting().addLast(entry);
    counted(entry, 1);
  }

  int size() {
    return size;
  }

  /** Tokens that the waiting requests may need, prompts and what they may generate. */
  long tokens() {
    return tokens;
  }

  /** Tokens of the entries taken since this was asked last. */
  long takenSinceLast() {
    long taken = takenTokens;
    takenTokens = 0;
    return taken;
  }

  /** What waits now; a view that is worth nothing after the next change. */
  Demand demand() {
    var first = new HashMap<Adapter, Double>();
    for (Flow flow : flows.values()) {
      if (!flow.waiting().isEmpty()) {
        first.merge(flow.adapter(), precedence(flow), Math::min);
      }
    }
    return adapter -> first.getOrDefault(adapter, Double.POSITIVE_INFINITY);
  }

  /** The entry that goes next, still queued. */
  @Nullable Entry peek() {
    Flow first = null;
    for (Flow flow : flows.values()) {
      if (!flow.waiting().isEmpty() && flow.adapter().admits()) {
        first = first == null || goesBefore(flow, first) ? flow : first;
      }
    }
    return first == null ? null : first.waiting().getFirst();
  }

  /** Takes out the head of its queue, to be served. */
  void take(Entry entry) {
    Flow flow = entry.flow();
    if (flow.waiting().peekFirst() != entry) {
      throw new IllegalStateException(
          "request %d is not at the head of its queue".formatted(entry.id()));
    }
    floor = Math.max(floor, flow.counter());
    flow.waiting().removeFirst();
    flow.prompt(entry.request().prompt().length());
    takenTokens += entry.request().tokens();
    counted(entry, -1);
  }

  /** Undoes {@link #take}. */
  void putBack(Entry entry) {
    Flow flow = entry.flow();
    flow.waiting().addFirst(entry);
    flow.prompt(-entry.request().prompt().length());
    takenTokens -= entry.request().tokens();
    counted(entry, 1);
  }

  /** Takes out everything that waits for an adapter. */
  List<Entry> removeAll(Adapter adapter) {
    var removed = new ArrayList<Entry>();
    for (Flow flow : flows.values()) {
      if (flow.adapter() == adapter) {
        removed.addAll(flow.waiting());
        flow.waiting().clear();
      }
    }
    removed.forEach(entry -> counted(entry, -1));
    return removed;
  }

  /** Takes out the entries nobody waits for any more and those past their deadline. */
  List<Entry> removeStale(long nanoTime) {
    var stale = new ArrayList<Entry>();
    for (Iterator<Flow> i = flows.values().iterator(); i.hasNext(); ) {
      Flow flow = i.next();
      if (!flow.waiting().isEmpty()) {
        flow.waiting().removeIf(entry -> isStale(entry, nanoTime) && stale.add(entry));
      }
      if (flow.settled(floor)) {
        i.remove();
      }
    }
    stale.forEach(entry -> counted(entry, -1));
    return stale;
  }

  /** Takes out everything, in the order of arrival. Nothing may be running. */
  List<Entry> removeAll() {
    List<Entry> entries =
        flows.values().stream()
            .flatMap(flow -> flow.waiting().stream())
            .sorted(Comparator.comparingLong(Entry::id))
            .toList();
    flows.clear();
    size = 0;
    tokens = 0;
    return entries;
  }

  /** Binds all entries to the rows of a table that has started over. */
  void rebind(AdapterTable adapters) {
    removeAll().forEach(entry -> add(entry, adapters.resolve(entry.adapterKey())));
  }

  private boolean goesBefore(Flow one, Flow other) {
    double difference = precedence(one) - precedence(other);
    return difference < 0
        || (difference == 0 && one.waiting().getFirst().id() < other.waiting().getFirst().id());
  }

  private double precedence(Flow flow) {
    return switch (order) {
      case FAIR -> flow.counter();
      // Ids count upwards in the order of arrival.
      case ARRIVAL -> flow.waiting().getFirst().id();
    };
  }

  private void counted(Entry entry, int sign) {
    size += sign;
    tokens += (long) sign * entry.request().tokens();
  }

  private static boolean isStale(Entry entry, long nanoTime) {
    return entry.cancelled() || entry.expired(nanoTime);
  }

  private record FlowKey(AdapterKey adapter, String tenant) {}
}
