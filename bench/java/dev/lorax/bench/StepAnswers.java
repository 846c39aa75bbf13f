package dev.lorax.bench;

import dev.lorax.protocol.extensions.v1.StepReply;
import dev.lorax.protocol.extensions.v1.TokenColumns;
import dev.lorax.protocol.generate.v1.CachedBatch;
import dev.lorax.protocol.generate.v1.DecodeResponse;
import java.util.List;

/**
 * Answers to the decode steps of one form. While nobody comes or ends, an answer is the last one
 * again: the shard must cost nothing. Confined to the thread that computes.
 */
final class StepAnswers<R> {
  private final Form<R> form;
  private R last;
  private List<Sequence> lastSequences = List.of();

  StepAnswers(Form<R> form) {
    this.form = form;
  }

  /**
   * What a step yielded.
   *
   * @param ends whether some of the sequences have ended in it
   * @param kept those of the batch that goes on
   */
  R of(long id, List<Sequence> sequences, boolean ends, List<Sequence> kept) {
    if (last != null && !ends && sequences.equals(lastSequences)) {
      return last;
    }
    R made = form.make(sequences, kept.isEmpty() ? null : cached(id, kept));
    last = made;
    lastSequences = ends ? List.of() : sequences;
    return made;
  }

  static DecodeResponse rows(List<Sequence> sequences, CachedBatch batch) {
    var reply = DecodeResponse.newBuilder();
    sequences.forEach(sequence -> reply.addGenerations(sequence.generation()));
    return batch == null ? reply.build() : reply.setBatch(batch).build();
  }

  static StepReply columns(List<Sequence> sequences, CachedBatch batch) {
    var reply = StepReply.newBuilder();
    var columns = TokenColumns.newBuilder();
    for (Sequence sequence : sequences) {
      if (sequence.alive()) {
        columns
            .addRequestIds(sequence.id())
            .addIds(Sequence.TOKEN)
            .addLogprobs(Sequence.LOGPROB)
            .addTexts(Sequence.TEXT);
      } else {
        reply.addGenerations(sequence.generation());
      }
    }
    reply.setTokens(columns);
    return batch == null ? reply.build() : reply.setBatch(batch).build();
  }

  static CachedBatch cached(long id, List<Sequence> sequences) {
    var batch = CachedBatch.newBuilder().setId(id).setSize(sequences.size());
    sequences.forEach(sequence -> batch.addRequestIds(sequence.id()));
    return batch.build();
  }

  /** How an answer looks. */
  interface Form<R> {
    R make(List<Sequence> sequences, CachedBatch batch);
  }
}
