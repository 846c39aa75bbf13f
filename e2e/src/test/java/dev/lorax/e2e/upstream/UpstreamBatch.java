package dev.lorax.e2e.upstream;

import dev.lorax.protocol.generate.v1.Batch;
import dev.lorax.protocol.generate.v1.CachedBatch;
import dev.lorax.protocol.generate.v1.FinishReason;
import dev.lorax.protocol.generate.v1.GeneratedText;
import dev.lorax.protocol.generate.v1.Generation;
import dev.lorax.protocol.generate.v1.NextTokens;
import dev.lorax.protocol.generate.v1.Request;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Requests that decode together. The n-th token of a request reads {@code " <adapter>-<n>"}, so an
 * answer shows which adapter made it and that no step was lost.
 */
record UpstreamBatch(long id, List<Sequence> sequences) {

  /** One request on its way. */
  static final class Sequence {
    private final Request request;
    private final String adapter;
    private final StringBuilder text = new StringBuilder();
    private int generated;

    Sequence(Request request, String adapter) {
      this.request = request;
      this.adapter = adapter;
    }

    private boolean isOver() {
      return generated == request.getStoppingParameters().getMaxNewTokens();
    }

    private Generation next() {
      int promptLength = generated == 0 ? request.getTokenizedInputs().getIdsCount() : 0;
      generated++;
      String token = " %s-%d".formatted(adapter, generated);
      text.append(token);
      var tokens =
          NextTokens.newBuilder()
              .addIds(generated)
              .addLogprobs(-0.5f)
              .addTexts(token)
              .addIsSpecial(false);
      var generation =
          Generation.newBuilder()
              .setRequestId(request.getId())
              .setPrefillTokensLength(promptLength)
              .setNextTokens(tokens);
      if (isOver()) {
        generation.setGeneratedText(
            GeneratedText.newBuilder()
                .setText(text.toString())
                .setGeneratedTokens(generated)
                .setFinishReason(FinishReason.FINISH_REASON_LENGTH));
      }
      return generation.build();
    }
  }

  static UpstreamBatch prefill(Batch batch, Map<Integer, String> adapters) {
    List<Sequence> sequences = new ArrayList<>();
    for (var request : batch.getRequestsList()) {
      String adapter = adapters.get(request.getAdapterIndex());
      if (adapter == null) {
        throw new IllegalStateException(
            "adapter %d is not loaded".formatted(request.getAdapterIndex()));
      }
      sequences.add(new Sequence(request, adapter));
    }
    return new UpstreamBatch(batch.getId(), sequences);
  }

  /** Keeps the id of the first. */
  static UpstreamBatch concatenate(List<UpstreamBatch> parts) {
    List<Sequence> all = new ArrayList<>();
    parts.forEach(part -> all.addAll(part.sequences));
    return new UpstreamBatch(parts.getFirst().id, all);
  }

  UpstreamBatch only(List<Long> requestIds) {
    return new UpstreamBatch(
        id,
        sequences.stream()
            .filter(sequence -> requestIds.contains(sequence.request.getId()))
            .toList());
  }

  /** All sequences move on, but each rank tells of its own requests alone. */
  List<Generation> step(int rank, int world) {
    List<Generation> own = new ArrayList<>();
    for (var sequence : sequences) {
      if (sequence.isOver()) {
        continue;
      }
      Generation generation = sequence.next();
      if (Long.remainderUnsigned(generation.getRequestId(), world) == rank) {
        own.add(generation);
      }
    }
    return own;
  }

  /** Empty when all requests have stopped. */
  Optional<CachedBatch> cached() {
    if (sequences.stream().allMatch(Sequence::isOver)) {
      return Optional.empty();
    }
    return Optional.of(
        CachedBatch.newBuilder()
            .setId(id)
            .setSize(sequences.size())
            .addAllRequestIds(sequences.stream().map(sequence -> sequence.request.getId()).toList())
            .setMaxTokens(1)
            .setCurrentTokens(sequences.size())
            .build());
  }
}
