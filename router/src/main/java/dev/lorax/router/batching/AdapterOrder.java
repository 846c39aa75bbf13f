package dev.lorax.router.batching;

import dev.lorax.router.adapter.AdapterKey;
import dev.lorax.router.adapter.AdapterStatus;
import dev.lorax.router.generation.Rejection;
import java.util.concurrent.CompletableFuture;

/** What the operator of the server wants of an adapter. Thread-safe. */
public final class AdapterOrder {
  private final AdapterKey adapter;
  private final Kind kind;
  private final CompletableFuture<Outcome> outcome = new CompletableFuture<>();

  /** What is to be done. */
  public enum Kind {
    /** Bring it onto the shards; it may have to give way like any other. */
    LOAD,
    /** Bring it onto the shards and keep it there. */
    PIN,
    /** Take it off the shards once its running requests have ended; it is pinned no longer. */
    UNLOAD
  }

  /** Whether the batch loop has taken the order. */
  public sealed interface Outcome {
    /** The adapter as it stands now; the rest happens by and by. */
    record Taken(AdapterStatus status) implements Outcome {}

    record Refused(Rejection rejection) implements Outcome {}
  }

  public AdapterOrder(AdapterKey adapter, Kind kind) {
    this.adapter = adapter;
    this.kind = kind;
  }

  public AdapterKey adapter() {
    return adapter;
  }

  public Kind kind() {
    return kind;
  }

  public CompletableFuture<Outcome> outcome() {
    return outcome;
  }
}
