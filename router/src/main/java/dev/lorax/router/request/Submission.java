package dev.lorax.router.request;

import dev.lorax.router.batching.Entry;
import dev.lorax.router.generation.Rejection;

/** What became of handing a request to the batch loop. */
public sealed interface Submission {
  /** Its sink will hear of it. */
  record Queued(Entry entry) implements Submission {}

  record Refused(Rejection rejection) implements Submission {}
}
