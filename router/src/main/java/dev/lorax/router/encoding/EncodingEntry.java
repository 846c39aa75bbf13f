package dev.lorax.router.encoding;

import dev.lorax.router.adapter.AdapterKey;
import dev.lorax.router.batching.Share;
import dev.lorax.router.generation.Prompt;
import dev.lorax.router.generation.TraceParent;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * A text on its way through the encoding loop. Any thread may cancel it and wait for its outcome;
 * all else is confined to the loop.
 */
public final class EncodingEntry {
  private final long id;
  private final EncodingTask task;
  private final Prompt text;
  private final AdapterKey adapter;
  private final Share share;
  private final long deadlineNanos;
  private final @Nullable TraceParent trace;
  private final CompletableFuture<EncodingOutcome> outcome = new CompletableFuture<>();
  private volatile boolean cancelled;
  private int adapterIndex;
  private int losses;

  /**
   * @param deadlineNanos when the entry must have left the queue
   * @param trace of which the text is a part, if its request is traced
   */
  public EncodingEntry(
      long id,
      EncodingTask task,
      Prompt text,
      AdapterKey adapter,
      Share share,
      long deadlineNanos,
      @Nullable TraceParent trace) {
    this.id = id;
    this.task = task;
    this.text = text;
    this.adapter = adapter;
    this.share = share;
    this.deadlineNanos = deadlineNanos;
    this.trace = trace;
  }

  public long id() {
    return id;
  }

  public EncodingTask task() {
    return task;
  }

  public Prompt text() {
    return text;
  }

  public AdapterKey adapter() {
    return adapter;
  }

  public Share share() {
    return share;
  }

  /** The adapter's index on the shards of the call that the entry is in. */
  public int adapterIndex() {
    return adapterIndex;
  }

  public @Nullable TraceParent trace() {
    return trace;
  }

  public CompletableFuture<EncodingOutcome> outcome() {
    return outcome;
  }

  /** Nobody waits for the outcome any more: an entry that is still queued leaves. */
  public void cancel() {
    cancelled = true;
  }

  boolean cancelled() {
    return cancelled;
  }

  boolean expired(long nanoTime) {
    return nanoTime - deadlineNanos >= 0;
  }

  void use(int index) {
    adapterIndex = index;
  }

  /** The shards were lost over a call that it was in; how often that has happened by now. */
  int lost() {
    return ++losses;
  }
}
