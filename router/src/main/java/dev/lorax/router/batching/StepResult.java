package dev.lorax.router.batching;

import dev.lorax.router.generation.Generation;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Outcome of a step: what each request got, and the batch that goes on, unless all have ended.
 *
 * @param next the step of that batch which the shards make already, in a {@link Run} that goes on
 */
public record StepResult(
    List<Generation> generations, @Nullable CachedBatch batch, @Nullable Pending<StepResult> next) {
  public StepResult {
    generations = List.copyOf(generations);
  }

  /** A step after which the shards wait to be asked. */
  public StepResult(List<Generation> generations, @Nullable CachedBatch batch) {
    this(generations, batch, null);
  }
}
