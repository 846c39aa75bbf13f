package dev.lorax.router.encoding;

import dev.lorax.router.adapter.AdapterKey;
import dev.lorax.router.batching.ShardProfile;
import dev.lorax.router.encoding.AdapterPlaces.Standing;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * Asks for the adapters that entries need, each now and then and not for every entry. Confined to
 * the encoding loop.
 */
final class WantedAdapters {
  /** An adapter that could not be had is asked for again after this, if somebody needs it then. */
  private static final long REPEAT_NANOS = TimeUnit.SECONDS.toNanos(10);

  /** An older failure may be seen for as long after an adapter was asked for again. */
  private static final long SETTLING_NANOS = TimeUnit.MILLISECONDS.toNanos(50);

  private final AdapterPlaces places;
  private final Map<AdapterKey, Long> askedNanos = new HashMap<>();

  WantedAdapters(AdapterPlaces places) {
    this.places = places;
  }

  /** How an adapter stands; one that is absent is on its way from now on, an unknown one not. */
  Standing standing(AdapterKey adapter, ShardProfile shards, long nanoTime) {
    if (adapter.isBase()) {
      return new Standing.Resident(0);
    }
    Standing standing = places.standing(adapter, shards);
    if (standing instanceof Standing.Resident || standing instanceof Standing.Unknown) {
      return standing;
    }
    Long asked = askedNanos.get(adapter);
    if (asked == null || nanoTime - asked >= REPEAT_NANOS) {
      askedNanos.values().removeIf(nanos -> nanoTime - nanos >= REPEAT_NANOS);
      askedNanos.put(adapter, nanoTime);
      places.want(adapter);
      return new Standing.Absent();
    }
    return nanoTime - asked < SETTLING_NANOS ? new Standing.Absent() : standing;
  }

  /** Other shards know nothing of what was asked for. */
  void forget() {
    askedNanos.clear();
  }
}
