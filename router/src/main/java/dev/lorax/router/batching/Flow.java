package dev.lorax.router.batching;

import dev.lorax.router.adapter.Adapter;
import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;

/**
 * What one tenant asks of one adapter: the requests that wait, and how much has been done for it.
 * Confined to the batch loop.
 *
 * <p>The counter is that of the virtual token counter (Sheng et al., "Fairness in Serving Large
 * Language Models", OSDI 2024): it grows with each token served, slower for a tenant with more
 * weight, and whoever has the lowest one goes next.
 */
final class Flow {
  /** The paper's prices: a generated token occupies a step of its own, prompt tokens share one. */
  private static final double PROMPT_TOKEN = 1;

  private static final double GENERATED_TOKEN = 2;

  private Adapter adapter;
  private Share share;
  private final ArrayDeque<Entry> waiting = new ArrayDeque<>();
  private double counter;
  private int running;

  Flow(Adapter adapter, Share share, double counter) {
    this.adapter = adapter;
    this.share = share;
    this.counter = counter;
  }

  Adapter adapter() {
    return adapter;
  }

  /** The row may have been made anew, the weight of a key changed. */
  void use(Adapter row, Share latest) {
    adapter = row;
    share = latest;
  }

  ArrayDeque<Entry> waiting() {
    return waiting;
  }

  /** The one that waits behind that many others, if there is one. */
  @Nullable Entry waiting(int place) {
    if (place == 0) {
      return waiting.peekFirst();
    }
    int ahead = 0;
    for (Entry entry : waiting) {
      if (ahead++ == place) {
        return entry;
      }
    }
    return null;
  }

  /** Takes it out of the queue, and tells behind how many others it was. */
  int take(Entry entry) {
    int place = 0;
    for (var entries = waiting.iterator(); entries.hasNext(); place++) {
      if (entries.next() == entry) {
        entries.remove();
        return place;
      }
    }
    throw new IllegalStateException("request %d is not in its queue".formatted(entry.id()));
  }

  /** Undoes {@link #take}; of several, that of the last one first. */
  void putBack(Entry entry, int place) {
    var ahead = new ArrayDeque<Entry>(place);
    for (int i = 0; i < place; i++) {
      ahead.addLast(waiting.removeFirst());
    }
    waiting.addFirst(entry);
    while (!ahead.isEmpty()) {
      waiting.addFirst(ahead.removeLast());
    }
  }

  double counter() {
    return counter;
  }

  /** Having had nothing to ask for gives no claim on what others got meanwhile. */
  void liftTo(double floor) {
    counter = Math.max(counter, floor);
  }

  /** Tokens of a prompt were computed for it; what came from the cache cost nothing. */
  void prompt(int tokens) {
    counter += PROMPT_TOKEN * tokens / share.weight();
  }

  void generated(int tokens) {
    counter += GENERATED_TOKEN * tokens / share.weight();
  }

  void joined() {
    running++;
  }

  void left() {
    running--;
  }

  /** Nothing waits, nothing runs, and the tokens it was ahead by have been caught up with. */
  boolean settled(double floor) {
    return waiting.isEmpty() && running == 0 && counter <= floor;
  }
}
