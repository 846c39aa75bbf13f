package dev.lorax.router.batching;

import dev.lorax.router.adapter.Adapter;
import dev.lorax.router.adapter.AdapterFacts;
import java.util.List;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/**
 * One epoch of connected and warmed-up shards. The step calls belong to the batch loop; the adapter
 * calls block and may be made from any thread, also while a step runs.
 */
public interface ShardGroup extends AutoCloseable {
  ShardProfile profile();

  /** Completes with the reason once the connection to a shard has broken. */
  CompletionStage<String> lost();

  /**
   * The first step of requests here: yields the first token of each, or where it has generated on
   * other shards the one after those.
   *
   * @param beside a batch that makes a step with them and takes them in; absent, and in any case if
   *     the shards know no chunks: they become a batch of their own
   * @param run what may follow; while it goes on, no other step is asked for
   */
  Pending<StepResult> prefill(PrefillBatch batch, @Nullable CachedBatch beside, Run run);

  /** One step of all the batches; the shards make one batch of them. */
  Pending<StepResult> decode(List<CachedBatch> batches, Run run);

  /** Has a run end with the step under way, or the one after if that is ending now. */
  void endRun();

  /** Keeps only the named requests, at least one. */
  Pending<CachedBatch> filter(CachedBatch batch, List<Long> requestIds);

  Pending<@Nullable Void> clear(long batchId);

  Pending<@Nullable Void> clearAll();

  /** Fetches the files and returns the share of adapter memory that loading them will take. */
  float download(Adapter adapter) throws ShardException, InterruptedException;

  void load(Adapter adapter) throws ShardException, InterruptedException;

  /** What the shards tell of an adapter that they hold; null if they know no such question. */
  @Nullable AdapterFacts describe(Adapter adapter) throws ShardException, InterruptedException;

  void offload(Adapter adapter) throws ShardException, InterruptedException;

  @Override
  void close();
}
