package dev.lorax.router.encoding;

import dev.lorax.router.adapter.AdapterKey;
import dev.lorax.router.batching.ShardProfile;

/** Where adapters are, as the batch loop has it. Thread-safe. */
public interface AdapterPlaces {
  /** How an adapter stands on the shards of that profile. */
  Standing standing(AdapterKey adapter, ShardProfile shards);

  /** Asks for an adapter to be brought onto the shards; it may have to give way again. */
  void want(AdapterKey adapter);

  /** What an entry may do with its adapter now. */
  sealed interface Standing {
    /** The index stays this adapter's for as long as these shards live. */
    record Resident(int index) implements Standing {}

    record Absent() implements Standing {}

    /** These shards are not known there, or not yet: what is wanted now would be forgotten. */
    record Unknown() implements Standing {}

    record Failed(String reason) implements Standing {}
  }
}
