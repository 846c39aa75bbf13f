package dev.lorax.router.encoding;

import dev.lorax.router.generation.Rejection;

/** What became of an entry. */
public sealed interface EncodingOutcome {
  /**
   * Moments are those of the loop's {@link dev.lorax.router.batching.Ticker}.
   *
   * @param scheduledNanos when its call began
   * @param endedNanos when its answer was there
   */
  record Encoded(Encoding encoding, long scheduledNanos, long endedNanos)
      implements EncodingOutcome {}

  record Failed(Rejection rejection) implements EncodingOutcome {}
}
