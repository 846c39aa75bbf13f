package dev.lorax.router.request;

import dev.lorax.router.batching.Share;
import dev.lorax.router.batching.Ticker;
import dev.lorax.router.encoding.Encoding;
import dev.lorax.router.encoding.EncodingEntry;
import dev.lorax.router.encoding.EncodingLoop;
import dev.lorax.router.encoding.EncodingOutcome;
import dev.lorax.router.generation.Rejection;
import dev.lorax.router.generation.TraceParent;
import dev.lorax.router.request.TextPreparation.Prepared;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/**
 * Sends the texts of one request to the encoding loop and gathers what comes back. Confined to one
 * request; the outcome may be awaited anywhere.
 */
public final class TextCollector {
  private final EncodingLoop loop;
  private final RequestLimits limits;
  private final Ticker ticker;
  private List<EncodingEntry> entries = List.of();

  public TextCollector(EncodingLoop loop, RequestLimits limits, Ticker ticker) {
    this.loop = loop;
    this.limits = limits;
    this.ticker = ticker;
  }

  /**
   * The outcome has all texts in their order, or is the first failure.
   *
   * @param trace of which the texts are a part, if the request is traced
   */
  public CompletionStage<Outcome> collect(
      Prepared prepared, Share share, long receivedNanos, @Nullable TraceParent trace) {
    long now = ticker.nanos();
    long deadline = now + limits.maxQueueWait().toNanos();
    entries =
        prepared.texts().stream()
            .map(text ->
                new EncodingEntry(
                    loop.nextId(),
                    prepared.task(),
                    text.prompt(),
                    prepared.adapter(),
                    share,
                    deadline,
                    trace))
            .toList();
    Rejection refusal = loop.submit(entries);
    if (refusal != null) {
      return CompletableFuture.completedStage(new Outcome.Refused(refusal));
    }
    var timing = new Timing(receivedNanos, now);
    return CompletableFuture.allOf(
            entries.stream().map(EncodingEntry::outcome).toArray(CompletableFuture[]::new))
        .thenApply(
            _ -> outcome(entries.stream().map(entry -> entry.outcome().join()).toList(), timing));
  }

  /** Nobody waits for the outcome any more. */
  public void cancel() {
    entries.forEach(EncodingEntry::cancel);
  }

  private static Outcome outcome(List<EncodingOutcome> outcomes, Timing timing) {
    var encodings = new ArrayList<Encoding>();
    long scheduled = Long.MAX_VALUE;
    long ended = Long.MIN_VALUE;
    for (EncodingOutcome outcome : outcomes) {
      switch (outcome) {
        case EncodingOutcome.Encoded encoded -> {
          encodings.add(encoded.encoding());
          scheduled = Math.min(scheduled, encoded.scheduledNanos());
          ended = Math.max(ended, encoded.endedNanos());
        }
        case EncodingOutcome.Failed failed -> {
          return new Outcome.Refused(failed.rejection());
        }
      }
    }
    timing.scheduled(scheduled);
    timing.generated(ended);
    return new Outcome.Done(encodings, timing);
  }

  /** What became of all texts together. */
  public sealed interface Outcome {
    record Done(List<Encoding> encodings, Timing timing) implements Outcome {
      public Done {
        encodings = List.copyOf(encodings);
      }
    }

    record Refused(Rejection rejection) implements Outcome {}
  }
}
