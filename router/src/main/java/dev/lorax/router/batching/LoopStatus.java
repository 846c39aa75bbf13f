package dev.lorax.router.batching;

import dev.lorax.router.adapter.AdapterStatus;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What other threads may know of the batch loop.
 *
 * @param shards absent while no shards are connected
 * @param adapters all that are known, the base model first
 */
public record LoopStatus(@Nullable ShardProfile shards, List<AdapterStatus> adapters) {
  public LoopStatus {
    adapters = List.copyOf(adapters);
  }

  public boolean connected() {
    return shards != null;
  }
}
