package dev.lorax.router.encoding;

import dev.lorax.router.generation.Rejection;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;

/**
 * What is inside the encoding loop, from its admission to its outcome. {@link #admit} is
 * thread-safe, everything else is confined to the loop.
 */
final class Occupancy {
  private final long mostTokens;
  private final AtomicLong tokens = new AtomicLong();
  private int texts;

  /**
   * @param mostTokens that may be inside; a request that finds nobody there is admitted in any case
   */
  Occupancy(long mostTokens) {
    this.mostTokens = mostTokens;
  }

  /** Admits all entries or none. */
  boolean admit(List<EncodingEntry> entries) {
    long more = tokens(entries);
    long ahead = tokens.getAndAdd(more);
    if (ahead > 0 && ahead + more > mostTokens) {
      tokens.addAndGet(-more);
      return false;
    }
    return true;
  }

  /** The loop has heard of entries that were admitted. */
  void entered(List<EncodingEntry> entries) {
    texts += entries.size();
  }

  int texts() {
    return texts;
  }

  long tokens() {
    return tokens.get();
  }

  /** Lets an entry out. */
  void settle(EncodingEntry entry, EncodingOutcome outcome) {
    texts--;
    tokens.addAndGet(-entry.text().length());
    entry.outcome().complete(outcome);
  }

  void fail(EncodingEntry entry, String reason) {
    settle(entry, new EncodingOutcome.Failed(Rejection.generation(reason)));
  }

  static long tokens(List<EncodingEntry> entries) {
    return entries.stream().mapToLong(entry -> entry.text().length()).sum();
  }
}
