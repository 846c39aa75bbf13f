package dev.lorax.router.batching;

import dev.lorax.router.generation.Generation;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Outcome of a step: what each request got, and the batch that goes on, unless all have ended. */
public record StepResult(List<Generation> generations, @Nullable CachedBatch batch) {
  public StepResult {
    generations = List.copyOf(generations);
  }
}
