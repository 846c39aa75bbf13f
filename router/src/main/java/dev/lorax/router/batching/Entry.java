package dev.lorax.router.batching;

import dev.lorax.router.adapter.Adapter;
import dev.lorax.router.adapter.AdapterKey;
import dev.lorax.router.generation.Generation;
import dev.lorax.router.generation.GenerationRequest;
import dev.lorax.router.generation.GenerationSink;
import dev.lorax.router.kvcache.BlockTable;
import dev.lorax.router.kvcache.PrefixOwner;
import dev.lorax.router.kvcache.PromptKey;
import org.jspecify.annotations.Nullable;

/**
 * A request on its way through the batch loop. Any thread may cancel it; all else is confined to
 * the batch loop.
 */
public final class Entry {
  private static final long NOBODY = -1;

  private final long id;
  private final GenerationRequest request;
  private final AdapterKey adapterKey;
  private final Share share;
  private final GenerationSink sink;
  private final Deadlines deadlines;
  private final Progress progress = new Progress();
  private volatile boolean cancelled;
  private long queuedNanos;
  private @Nullable Flow flow;
  private @Nullable Adapter used;
  private @Nullable BlockTable blocks;
  private int chunkTokens;
  private int promptPrice;
  private int place;
  private int overtakings;
  private long awaitedId = NOBODY;
  private long lastTokenNanos;

  /**
   * How long the request may stay, on the loop's {@link Ticker}.
   *
   * @param submittedNanos when it came
   * @param queueNanos how long it may wait in the queue, each time that it has to
   * @param totalNanos how long it may take as a whole
   */
  public record Deadlines(long submittedNanos, long queueNanos, long totalNanos) {}

  public Entry(
      long id,
      GenerationRequest request,
      AdapterKey adapterKey,
      Share share,
      GenerationSink sink,
      Deadlines deadlines) {
    this.id = id;
    this.request = request;
    this.adapterKey = adapterKey;
    this.share = share;
    this.sink = sink;
    this.deadlines = deadlines;
    this.queuedNanos = deadlines.submittedNanos();
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

  public Share share() {
    return share;
  }

  public GenerationSink sink() {
    return sink;
  }

  /** The adapter's row; present from the moment the entry is queued. */
  public Adapter adapter() {
    return flow().adapter();
  }

  /** Present while the entry is in a batch. */
  public BlockTable blocks() {
    return present(blocks, "blocks");
  }

  /** Prompt tokens that its first step computes, 0 for all that are not cached. */
  public int chunkTokens() {
    return chunkTokens;
  }

  /** Ids of the tokens that it has got: of another epoch's shards where it is prefilled. */
  public int[] generated() {
    return progress.tokenIds();
  }

  /** Whether it has generated on shards that were lost, and is to go on with others. */
  boolean goesOn() {
    return progress.tokens() > 0;
  }

  /** Tokens that its next Prefill computes, cached ones included. */
  int prefillTokens() {
    return request.prompt().length() + progress.tokens();
  }

  Progress progress() {
    return progress;
  }

  /** Tells the client's side, once, that the request has left the queue. */
  void schedule(long nanoTime) {
    if (progress.schedule()) {
      sink.scheduled(nanoTime);
    }
  }

  /** A step has yielded something for it. */
  void generated(Generation generation) {
    progress.generated(generation);
    flow().generated(generation.tokens().size());
  }

  /** Its shards are lost; its wait for others begins. */
  void interrupt(boolean stepping, long nanoTime) {
    progress.interrupt(stepping);
    queuedNanos = nanoTime;
  }

  /** Whether it has run and waits to go on. */
  boolean interrupted() {
    return progress.interrupted();
  }

  boolean cancelled() {
    return cancelled;
  }

  /** Has waited too long in the queue. */
  boolean expired(long nanoTime) {
    return nanoTime - queuedNanos >= deadlines.queueNanos() || overran(nanoTime);
  }

  /** Has taken too long as a whole. */
  boolean overran(long nanoTime) {
    return nanoTime - deadlines.submittedNanos() >= deadlines.totalNanos();
  }

  /** The queue that it came from; present from the moment the entry is queued. */
  Flow flow() {
    return present(flow, "queue");
  }

  void bind(Flow queue) {
    flow = queue;
  }

  /** Time since its last token, 0 for the first. */
  long gap(long nanoTime) {
    long gap = lastTokenNanos == 0 ? 0 : nanoTime - lastTokenNanos;
    lastTokenNanos = nanoTime;
    return gap;
  }

  /** Those with whom it may share what is computed for its prompt. */
  PrefixOwner prefixOwner() {
    return new PrefixOwner(adapter().index(), adapter().loads());
  }

  /** Prompt tokens for which its queue has been charged. */
  int promptPrice() {
    return promptPrice;
  }

  void charged(int promptTokens) {
    promptPrice = promptTokens;
  }

  /** Behind how many others of its queue it was when it was taken. */
  int place() {
    return place;
  }

  void takenFrom(int placeInQueue) {
    place = placeInQueue;
  }

  /** Steps in which others of its queue, which had come after it, went before it. */
  int overtakings() {
    return overtakings;
  }

  void overtaken() {
    overtakings++;
  }

  /** Whether nothing of its prompt is left to compute for it, as far as anybody knows. */
  boolean prompted() {
    return blocks == null || blocks.computed();
  }

  /** Tokens of a prompt that it will have computed, for that one to take; 0 if none. */
  int promisedTokens(PromptKey other) {
    return blocks == null ? 0 : blocks.promisedTokens(other);
  }

  /**
   * Waits for what another computes of its prompt; false if it has waited for somebody else, which
   * it does once, so that no row of others can hold it up.
   */
  boolean awaits(Entry other) {
    if (awaitedId == NOBODY) {
      awaitedId = other.id;
    }
    return awaitedId == other.id;
  }

  /** Whether it has waited for what another computes of its prompt. */
  boolean hasAwaited() {
    return awaitedId != NOBODY;
  }

  /** What it may take from earlier prompts, and leave to later ones. */
  PromptKey promptKey() {
    boolean reuses = !request.prefillLogprobs() && !goesOn();
    return new PromptKey(prefixOwner(), request.prompt().tokenIds(), reuses);
  }

  void joins(BlockTable table, int firstChunk, long nanoTime) {
    blocks = table;
    chunkTokens = firstChunk;
    used = adapter();
    used.acquire(nanoTime);
    flow().joined();
  }

  /** Gives back what {@link #joins} took. */
  void leaves(long nanoTime) {
    blocks().close();
    blocks = null;
    present(used, "adapter in use").release(nanoTime);
    used = null;
    flow().left();
  }

  private <T> T present(@Nullable T value, String what) {
    if (value == null) {
      throw new IllegalStateException("request %d has no %s".formatted(id, what));
    }
    return value;
  }
}
