package dev.lorax.router.encoding;

import dev.lorax.router.batching.Pending;
import dev.lorax.router.batching.ShardProfile;
import java.util.List;

/** One epoch of connected and warmed-up shards, as far as the encoding loop needs them. */
public interface EncodingShards {
  ShardProfile profile();

  /** Sends entries of one task; the answers come in any order. */
  Pending<List<Encoding>> encode(EncodingTask task, List<EncodingEntry> entries);
}
