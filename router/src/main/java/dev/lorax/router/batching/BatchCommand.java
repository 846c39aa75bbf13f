package dev.lorax.router.batching;

import dev.lorax.router.adapter.Adapter;
import dev.lorax.router.adapter.AdapterFacts;
import org.jspecify.annotations.Nullable;

/** What other threads tell the batch loop. */
sealed interface BatchCommand {
  record Submit(Entry entry) implements BatchCommand {}

  record Order(AdapterOrder order) implements BatchCommand {}

  record Connected(ShardGroup shards) implements BatchCommand {}

  record Drain() implements BatchCommand {}

  record Stop() implements BatchCommand {}

  /** The shards have answered the call that the loop waits for. */
  record Answered() implements BatchCommand {}

  /** News about shards, worth nothing once the loop has others. */
  sealed interface FromShards extends BatchCommand {
    ShardGroup shards();
  }

  record Lost(ShardGroup shards, String reason) implements FromShards {}

  /** What came of moving an adapter. */
  sealed interface Moved extends FromShards {
    Adapter adapter();
  }

  record Downloaded(ShardGroup shards, Adapter adapter, float memoryFraction, long nanos)
      implements Moved {}

  record Loaded(ShardGroup shards, Adapter adapter, @Nullable AdapterFacts facts, long nanos)
      implements Moved {}

  record Offloaded(ShardGroup shards, Adapter adapter, long nanos) implements Moved {}

  record MoveFailed(ShardGroup shards, Adapter adapter, BatchObserver.Move move, String message)
      implements Moved {}
}
