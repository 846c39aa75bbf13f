package dev.lorax.router.batching;

import java.util.List;

/**
 * A batch that the shards keep between steps.
 *
 * @param currentTokens tokens that its next step computes
 */
public record CachedBatch(
    long id, List<Long> requestIds, int size, int maxTokens, int currentTokens) {
  public CachedBatch {
    requestIds = List.copyOf(requestIds);
  }
}
