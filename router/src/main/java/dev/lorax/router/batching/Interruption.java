package dev.lorax.router.batching;

import dev.lorax.router.generation.Rejection;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Set;

/**
 * What becomes of the requests that ran on shards which were lost. Confined to the batch loop.
 *
 * <p>Those that can go on with other shards wait again, the others fail. A request that was being
 * computed at that moment may be what ended the shards, so it goes on only a few times.
 */
final class Interruption {
  private final String reason;
  private final boolean resumable;
  private final long nanoTime;
  private final List<Entry> waiting = new ArrayList<>();

  /**
   * @param reason why the shards were lost, for the client
   * @param resumable whether shards of that kind can go on with what others have generated
   */
  Interruption(String reason, boolean resumable, long nanoTime) {
    this.reason = reason;
    this.resumable = resumable;
    this.nanoTime = nanoTime;
  }

  /**
   * Takes requests that have left the batch.
   *
   * @param stepping those whose step was under way
   * @return those that wait to go on
   */
  List<Entry> take(Collection<Entry> entries, Set<Entry> stepping) {
    for (Entry entry : entries) {
      entry.interrupt(stepping.contains(entry), nanoTime);
      if (!entry.cancelled()) {
        decide(entry);
      }
    }
    return waiting;
  }

  private void decide(Entry entry) {
    Progress progress = entry.progress();
    if (progress.exhausted()) {
      String remark = "the request is not tried again: %d times shards were lost in a step with it";
      entry.sink().failed(rejection(reason + "; " + remark.formatted(progress.lostSteps())));
    } else if (resumable || progress.tokens() == 0) {
      waiting.add(entry);
    } else {
      entry.sink().failed(rejection(reason));
    }
  }

  /** For a request that does not go on. */
  static Rejection rejection(String reason) {
    return Rejection.generation("Connection to the shards lost: " + reason);
  }
}
