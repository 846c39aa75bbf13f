package dev.lorax.router.batching;

import dev.lorax.router.adapter.Adapter;
import dev.lorax.router.adapter.AdapterKey;
import dev.lorax.router.generation.GenerationRequest;
import dev.lorax.router.generation.GenerationSink;
import dev.lorax.router.kvcache.BlockTable;
import org.jspecify.annotations.Nullable;

/**
 * A request on its way through the batch loop. Any thread may cancel it; all else is confined to
 * the batch loop.
 */
public final class Entry {
  private final long id;
  private final GenerationRequest request;
  private final AdapterKey adapterKey;
  private final GenerationSink sink;
  private final long deadlineNanos;
  private volatile boolean cancelled;
  private @Nullable Adapter adapter;
  private @Nullable BlockTable blocks;

  /**
   * @param deadlineNanos when the request must have left the queue, on the loop's {@link Ticker}
   */
  public Entry(
      long id,
      GenerationRequest request,
      AdapterKey adapterKey,
      GenerationSink sink,
      long deadlineNanos) {
    this.id = id;
    this.request = request;
    this.adapterKey = adapterKey;
    this.sink = sink;
    this.deadlineNanos = deadlineNanos;
  }

  /**
   * Nobody waits for the result any more: the entry leaves the queue or, within a step, the batch.
   */
  public void cancel() {
    cancelled = true;
  }

  public long id() {
    return id;
  }

  public GenerationRequest request() {
    return request;
  }

  public AdapterKey adapterKey() {
    return adapterKey;
  }

  public GenerationSink sink() {
    return sink;
  }

  /** The adapter's row; present from the moment the entry is queued. */
  public Adapter adapter() {
    return present(adapter, "adapter");
  }

  /** Present while the entry is in a batch. */
  public BlockTable blocks() {
    return present(blocks, "blocks");
  }

  boolean cancelled() {
    return cancelled;
  }

  boolean expired(long nanoTime) {
    return nanoTime - deadlineNanos >= 0;
  }

  void bind(Adapter row) {
    adapter = row;
  }

  void joins(BlockTable table, long nanoTime) {
    blocks = table;
    adapter().acquire(nanoTime);
  }

  /** Gives back what {@link #joins} took. */
  void leaves(long nanoTime) {
    blocks().close();
    blocks = null;
    adapter().release(nanoTime);
  }

  private <T> T present(@Nullable T value, String what) {
    if (value == null) {
      throw new IllegalStateException("request %d has no %s".formatted(id, what));
    }
    return value;
  }
}
