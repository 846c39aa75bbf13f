package dev.lorax.router.encoding;

import dev.lorax.router.batching.Ticker;
import dev.lorax.router.encoding.AdapterPlaces.Standing;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Predicate;

/**
 * Who may be in a call: entries whose adapter is on the shards have a seat, the others wait for it.
 * Confined to the encoding loop.
 */
final class Seats {
  private final WantedAdapters adapters;
  private final Occupancy inside;
  private final Ticker ticker;
  private final List<EncodingEntry> withoutAdapter = new ArrayList<>();

  Seats(AdapterPlaces places, Occupancy inside, Ticker ticker) {
    this.adapters = new WantedAdapters(places);
    this.inside = inside;
    this.ticker = ticker;
  }

  /** Whether anybody waits for an adapter. */
  boolean awaited() {
    return !withoutAdapter.isEmpty();
  }

  /** Gives the entry its seat and hands it on, or lets it wait or fail with its adapter. */
  void seat(EncodingShards on, EncodingEntry entry, Consumer<EncodingEntry> seated) {
    switch (adapters.standing(entry.adapter(), on.profile(), ticker.nanos())) {
      case Standing.Resident(int index) -> {
        entry.use(index);
        seated.accept(entry);
      }
      case Standing.Absent _, Standing.Unknown _ -> withoutAdapter.add(entry);
      case Standing.Failed(String reason) -> inside.fail(entry, reason);
    }
  }

  /** Looks again for seats for those that wait. */
  void seatWaiting(EncodingShards on, Consumer<EncodingEntry> seated) {
    List<EncodingEntry> waiting = removeIf(_ -> true);
    waiting.forEach(entry -> seat(on, entry, seated));
  }

  /**
   * Whether an entry that was seated still is: its adapter may have given way to another between
   * its seat and the call. One that is not waits again.
   */
  boolean keeps(EncodingShards on, EncodingEntry entry) {
    var seated = new Standing.Resident(entry.adapterIndex());
    boolean kept = adapters.standing(entry.adapter(), on.profile(), ticker.nanos()).equals(seated);
    if (!kept) {
      withoutAdapter.add(entry);
    }
    return kept;
  }

  /** Takes out those of the waiting that match. */
  List<EncodingEntry> removeIf(Predicate<EncodingEntry> leaves) {
    var removed = new ArrayList<EncodingEntry>();
    withoutAdapter.removeIf(entry -> leaves.test(entry) && removed.add(entry));
    return removed;
  }

  /** Other shards know nothing of the adapters that were asked for. */
  void forget() {
    adapters.forget();
  }
}
