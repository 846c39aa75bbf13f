package dev.lorax.router.batching;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Who cannot have a step although it would be their turn, and who goes before them. For one step;
 * confined to the batch loop.
 */
final class PassedOver {
  /** Entries of one queue that others may go past in one step: each step looks at all of them. */
  private static final int MOST_OF_A_QUEUE = 8;

  private final Set<Flow> queues = new HashSet<>();
  private final Map<Flow, List<Entry>> entries = new HashMap<>();
  private final Set<Entry> overtaken = new LinkedHashSet<>();

  /** Passes over it and everybody behind it in its queue. */
  void withQueue(Entry entry) {
    queues.add(entry.flow());
  }

  /** Passes over it alone, unless too many of its queue are passed over already. */
  void alone(Entry entry) {
    List<Entry> passed = entries.computeIfAbsent(entry.flow(), _ -> new ArrayList<>());
    if (passed.size() < MOST_OF_A_QUEUE) {
      passed.add(entry);
    } else {
      withQueue(entry);
    }
  }

  /** The first of a queue that is not passed over. */
  @Nullable Entry next(Flow queue) {
    if (queues.contains(queue)) {
      return null;
    }
    return queue.waiting(entries.getOrDefault(queue, List.of()).size());
  }

  /** Has gone before those of its queue that are passed over by now. */
  void chosen(Entry entry) {
    overtaken.addAll(entries.getOrDefault(entry.flow(), List.of()));
  }

  /** Those before whom somebody of their queue goes. */
  Set<Entry> overtaken() {
    return overtaken;
  }
}
