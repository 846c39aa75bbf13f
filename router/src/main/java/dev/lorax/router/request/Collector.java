package dev.lorax.router.request;

import dev.lorax.router.batching.Entry;
import dev.lorax.router.batching.Share;
import dev.lorax.router.generation.GenerationRequest;
import dev.lorax.router.generation.Rejection;
import dev.lorax.router.generation.TraceParent;
import dev.lorax.router.request.Completion.Completed;
import dev.lorax.router.request.Completion.Failed;
import dev.lorax.router.request.Preparation.Prepared;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/**
 * Generates one or several sequences of the same prompt and gathers them. Confined to one request;
 * the outcome may be awaited anywhere.
 */
public final class Collector {
  private static final Comparator<Completed> LIKELIHOOD =
      Comparator.comparingDouble(Completed::meanLogprob);

  private final Intake intake;
  private final List<Entry> entries = new ArrayList<>();

  public Collector(Intake intake) {
    this.intake = intake;
  }

  /**
   * Starts all sequences. The outcome lists them in the order of the request if the client wants
   * each, so that an index means the same as in a stream; otherwise the most likely one first. Or
   * it is the first failure, which ends the others.
   *
   * @param trace of which the sequences are a part, if the request is traced
   */
  public CompletionStage<Outcome> collect(
      Prepared prepared, Share share, long receivedNanos, @Nullable TraceParent trace) {
    var completions = new ArrayList<CompletableFuture<Completion>>();
    for (GenerationRequest sequence : prepared.sequences()) {
      var sink = new CollectingSink(intake.timing(receivedNanos), trace);
      switch (intake.submit(sequence, prepared.adapter(), share, sink)) {
        case Submission.Queued queued -> entries.add(queued.entry());
        case Submission.Refused refused -> {
          // A cancelled sequence says nothing more, so none of them can be waited for.
          cancel();
          return CompletableFuture.completedStage(new Outcome.Refused(refused.rejection()));
        }
      }
      completions.add(sink.completion());
    }
    var outcome = new CompletableFuture<Outcome>();
    for (CompletableFuture<Completion> completion : completions) {
      var _ =
          completion.thenAccept(ended -> {
            if (ended instanceof Failed failed
                && outcome.complete(new Outcome.Refused(failed.rejection()))) {
              cancel();
            }
          });
    }
    var _ =
        CompletableFuture.allOf(completions.toArray(CompletableFuture[]::new))
            .thenAccept(_ -> outcome.complete(done(completions, prepared)));
    return outcome;
  }

  /** Nobody waits for the outcome any more. */
  public void cancel() {
    entries.forEach(Entry::cancel);
  }

  private static Outcome done(List<CompletableFuture<Completion>> completions, Prepared prepared) {
    var completed = new ArrayList<Completed>();
    for (CompletableFuture<Completion> completion : completions) {
      switch (completion.join()) {
        case Completed done -> completed.add(done);
        // The outcome was complete before.
        case Failed failed -> {
          return new Outcome.Refused(failed.rejection());
        }
      }
    }
    if (!prepared.call().output().showsEach()) {
      completed.sort(LIKELIHOOD.reversed());
    }
    return new Outcome.Done(completed);
  }

  /** What became of all sequences together. */
  public sealed interface Outcome {
    /** At least one sequence, in the order that {@link Collector#collect} says. */
    record Done(List<Completed> sequences) implements Outcome {
      public Done {
        sequences = List.copyOf(sequences);
      }

      public Completed best() {
        return sequences.stream().max(LIKELIHOOD).orElseThrow();
      }
    }

    record Refused(Rejection rejection) implements Outcome {}
  }
}
