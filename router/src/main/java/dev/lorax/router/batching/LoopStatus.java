package dev.lorax.router.batching;

import dev.lorax.router.adapter.AdapterKey;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What other threads may know of the batch loop.
 *
 * @param shards absent while no shards are connected
 */
public record LoopStatus(@Nullable ShardProfile shards, List<AdapterKey> residentAdapters) {
  public LoopStatus {
    residentAdapters = List.copyOf(residentAdapters);
  }

  public boolean connected() {
    return shards != null;
  }
}
