package dev.lorax.router.batching;

import dev.lorax.router.adapter.Adapter;
import dev.lorax.router.adapter.AdapterTable;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import org.jspecify.annotations.Nullable;

/**
 * One queue for each adapter. Confined to the batch loop.
 *
 * <p>Among the queues whose adapter is usable, the one whose head has waited longest goes first, so
 * an adapter never waits longer than requests that were there before its own take.
 */
final class WaitingEntries {
  private final Map<Adapter, ArrayDeque<Entry>> queues = new LinkedHashMap<>();
  private int size;

  void add(Entry entry, AdapterTable adapters) {
    Adapter adapter = adapters.resolve(entry.adapterKey());
    entry.bind(adapter);
    queues.computeIfAbsent(adapter, _ -> new ArrayDeque<>()).addLast(entry);
    size++;
  }

  int size() {
    return size;
  }

  boolean has(Adapter adapter) {
    return queues.containsKey(adapter);
  }

  /** The entry that goes next, still queued. */
  @Nullable Entry peek() {
    Entry oldest = null;
    for (var queue : queues.entrySet()) {
      if (queue.getKey().admits()) {
        Entry head = queue.getValue().getFirst();
        // Ids count upwards in the order of arrival.
        if (oldest == null || head.id() < oldest.id()) {
          oldest = head;
        }
      }
    }
    return oldest;
  }

  /** Takes out the head of its queue. */
  void remove(Entry entry) {
    ArrayDeque<Entry> queue = queues.get(entry.adapter());
    if (queue == null || queue.peekFirst() != entry) {
      throw new IllegalStateException(
          "request %d is not at the head of its queue".formatted(entry.id()));
    }
    queue.removeFirst();
    size--;
    if (queue.isEmpty()) {
      queues.remove(entry.adapter());
    }
  }

  /** Undoes {@link #remove}. */
  void putBack(Entry entry) {
    queues.computeIfAbsent(entry.adapter(), _ -> new ArrayDeque<>()).addFirst(entry);
    size++;
  }

  /** Takes out everything that waits for an adapter. */
  List<Entry> removeAll(Adapter adapter) {
    Queue<Entry> removed = queues.remove(adapter);
    if (removed == null) {
      return List.of();
    }
    size -= removed.size();
    return List.copyOf(removed);
  }

  /** Takes out the entries nobody waits for any more and those past their deadline. */
  List<Entry> removeStale(long nanoTime) {
    var stale = new ArrayList<Entry>();
    for (Iterator<ArrayDeque<Entry>> i = queues.values().iterator(); i.hasNext(); ) {
      ArrayDeque<Entry> queue = i.next();
      queue.removeIf(entry -> isStale(entry, nanoTime) && stale.add(entry));
      if (queue.isEmpty()) {
        i.remove();
      }
    }
    size -= stale.size();
    return stale;
  }

  /** Takes out everything, in the order of arrival. */
  List<Entry> removeAll() {
    List<Entry> entries =
        queues.values().stream()
            .flatMap(ArrayDeque::stream)
            .sorted(Comparator.comparingLong(Entry::id))
            .toList();
    queues.clear();
    size = 0;
    return entries;
  }

  /** Binds all entries to the rows of a table that has started over. */
  void rebind(AdapterTable adapters) {
    removeAll().forEach(entry -> add(entry, adapters));
  }

  private static boolean isStale(Entry entry, long nanoTime) {
    return entry.cancelled() || entry.expired(nanoTime);
  }
}
