package dev.lorax.router.batching;

import dev.lorax.router.adapter.Adapter;
import dev.lorax.router.adapter.AdapterKey;
import dev.lorax.router.adapter.AdapterTable;
import dev.lorax.router.adapter.Demand;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * One queue for each adapter and tenant. Confined to the batch loop.
 *
 * <p>Among the queues whose adapter is usable, the one that has been served least goes first. A
 * queue that was empty starts level with the one served last, so no adapter can save up a claim,
 * and while a queue waits the others get only a bounded number of tokens before its turn. Requests
 * that were interrupted go before all others, and are not charged twice.
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
    Flow flow = flow(entry, adapter, floor);
    if (flow.waiting().isEmpty()) {
      flow.liftTo(floor);
    }
    join(entry, flow);
  }

  private Flow flow(Entry entry, Adapter adapter, double counter) {
    Flow flow =
        flows.computeIfAbsent(
            new FlowKey(adapter.key(), entry.share().tenant()),
            _ -> new Flow(adapter, entry.share(), counter));
    flow.use(adapter, entry.share());
    return flow;
  }

  private void join(Entry entry, Flow flow) {
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
        first.merge(flow.adapter(), precedence(flow.waiting().getFirst()), Math::min);
      }
    }
    return adapter -> first.getOrDefault(adapter, Double.POSITIVE_INFINITY);
  }

  /** The entry that goes next, still queued. */
  @Nullable Entry peek() {
    return peek(new PassedOver());
  }

  /** The entry that goes next, still queued, of those that are not passed over. */
  @Nullable Entry peek(PassedOver passedOver) {
    Entry first = null;
    for (Flow flow : flows.values()) {
      Entry entry = flow.adapter().admits() ? passedOver.next(flow) : null;
      if (entry != null && (first == null || goesBefore(entry, first))) {
        first = entry;
      }
    }
    return first;
  }

  /**
   * Takes an entry out of its queue, to be served.
   *
   * @param computedTokens of its prompt, which it is charged for; what is cached costs nothing
   */
  void take(Entry entry, int computedTokens) {
    Flow flow = entry.flow();
    entry.takenFrom(flow.take(entry));
    if (!entry.interrupted()) {
      floor = Math.max(floor, flow.counter());
      entry.charged(computedTokens);
      flow.prompt(computedTokens);
    }
    takenTokens += entry.request().tokens();
    counted(entry, -1);
  }

  /** Undoes {@link #take}; of several, that of the last one first. */
  void putBack(Entry entry) {
    Flow flow = entry.flow();
    flow.putBack(entry, entry.place());
    if (!entry.interrupted()) {
      flow.prompt(-entry.promptPrice());
    }
    takenTokens -= entry.request().tokens();
    counted(entry, 1);
  }

  /** Takes out everything that waits for an adapter. */
  List<Entry> removeAll(Adapter adapter) {
    return removeIf(entry -> entry.adapter() == adapter);
  }

  /** Takes out the entries nobody waits for any more and those past their deadline. */
  List<Entry> removeStale(long nanoTime) {
    List<Entry> stale = removeIf(entry -> entry.cancelled() || entry.expired(nanoTime));
    flows.values().removeIf(flow -> flow.settled(floor));
    return stale;
  }

  /** Takes out the entries that were interrupted and have generated at least that many tokens. */
  List<Entry> removeInterrupted(int tokens) {
    return removeIf(entry -> entry.interrupted() && entry.progress().tokens() >= tokens);
  }

  private List<Entry> removeIf(Predicate<Entry> condition) {
    var removed = new ArrayList<Entry>();
    for (Flow flow : flows.values()) {
      if (!flow.waiting().isEmpty()) {
        flow.waiting().removeIf(entry -> condition.test(entry) && removed.add(entry));
      }
    }
    removed.forEach(entry -> counted(entry, -1));
    return removed;
  }

  /** Takes out everything. */
  List<Entry> removeAll() {
    return removeIf(_ -> true);
  }

  /**
   * Binds all entries to the rows of a table that has started over. Nothing may be running.
   *
   * @param interrupted entries that ran until now and join the others
   */
  void rebind(AdapterTable adapters, Collection<Entry> interrupted) {
    var entries = new ArrayList<Entry>(removeAll());
    entries.addAll(interrupted);
    entries.sort(
        Comparator.comparing((Entry entry) -> !entry.interrupted()).thenComparingLong(Entry::id));
    for (Entry entry : entries) {
      // Its key may lead to another row than before; what was served counts there, too.
      double served = entry.flow().counter();
      join(entry, flow(entry, adapters.resolve(entry.adapterKey()), served));
    }
  }

  private boolean goesBefore(Entry one, Entry other) {
    int order = Double.compare(precedence(one), precedence(other));
    return order < 0 || (order == 0 && one.id() < other.id());
  }

  private double precedence(Entry entry) {
    if (entry.interrupted()) {
      return Double.NEGATIVE_INFINITY;
    }
    return switch (order) {
      case FAIR -> entry.flow().counter();
      // Ids count upwards in the order of arrival.
      case ARRIVAL -> entry.id();
    };
  }

  private void counted(Entry entry, int sign) {
    size += sign;
    tokens += (long) sign * entry.request().tokens();
  }

  private record FlowKey(AdapterKey adapter, String tenant) {}
}
