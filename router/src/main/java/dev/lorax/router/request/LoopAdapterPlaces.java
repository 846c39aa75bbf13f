package dev.lorax.router.request;

import dev.lorax.router.adapter.AdapterKey;
import dev.lorax.router.adapter.AdapterStatus;
import dev.lorax.router.batching.AdapterOrder;
import dev.lorax.router.batching.BatchLoop;
import dev.lorax.router.batching.LoopStatus;
import dev.lorax.router.batching.ShardProfile;
import dev.lorax.router.encoding.AdapterPlaces;
import java.util.Objects;

/** Adapters as the batch loop has them, which moves them for generations and texts alike. */
public record LoopAdapterPlaces(BatchLoop loop) implements AdapterPlaces {
  @Override
  @SuppressWarnings("ReferenceEquality") // two epochs of shards may describe themselves alike
  public Standing standing(AdapterKey adapter, ShardProfile shards) {
    LoopStatus status = loop.status();
    if (status.shards() != shards) {
      return new Standing.Unknown();
    }
    for (AdapterStatus known : status.adapters()) {
      if (known.key().equals(adapter)) {
        return standing(known);
      }
    }
    return new Standing.Absent();
  }

  @Override
  public void want(AdapterKey adapter) {
    // If nobody takes the order, the adapter is asked for again.
    var _ = loop.order(new AdapterOrder(adapter, AdapterOrder.Kind.LOAD));
  }

  private static Standing standing(AdapterStatus known) {
    return switch (known.phase()) {
      case RESIDENT -> new Standing.Resident(known.index());
      case FAILED -> new Standing.Failed(Objects.requireNonNull(known.failure()));
      case REGISTERED, DOWNLOADING, ON_DISK, LOADING, LEAVING -> new Standing.Absent();
    };
  }
}
