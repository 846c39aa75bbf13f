package dev.lorax.router.request;

import dev.lorax.router.batching.BatchLoop;
import dev.lorax.router.encoding.Neighbours;

/**
 * The generations of the batch loop.
 *
 * @param possible whether the model generates
 */
public record LoopNeighbours(BatchLoop loop, boolean possible) implements Neighbours {
  @Override
  public boolean present() {
    return loop.busy();
  }
}
