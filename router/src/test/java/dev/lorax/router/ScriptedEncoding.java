package dev.lorax.router;

import dev.lorax.protocol.generate.v1.ClassifyPredictionList;
import dev.lorax.protocol.generate.v1.Embedding;
import dev.lorax.protocol.generate.v1.Request;
import dev.lorax.router.batching.ModelAbilities.Classification;
import io.grpc.Metadata;
import io.grpc.Status;
import java.util.List;
import java.util.stream.Collectors;

/**
 * What a scripted shard makes of texts. The word {@code poison} fails a call, {@code overflow}
 * fails it too and is named.
 */
final class ScriptedEncoding {
  private static final List<String> LABELS = List.of("O", "B-PER", "I-PER", "O", "B-LOC");

  private ScriptedEncoding() {}

  /** Number of tokens, index of the adapter, and a number that needs all digits of a float. */
  static Embedding embedding(Request text) {
    return Embedding.newBuilder()
        .setRequestId(text.getId())
        .addValues(text.getTokenizedInputs().getIdsCount())
        .addValues(text.getAdapterIndex())
        .addValues(0.1f)
        .build();
  }

  /** Tokens are classified by their place, whole texts always alike. */
  static ClassifyPredictionList classification(Request text, Classification kind) {
    var list = ClassifyPredictionList.newBuilder().setRequestId(text.getId());
    if (kind == Classification.TEXTS) {
      return list.addPredictions("good")
          .addScores(0.75f)
          .addPredictions("bad")
          .addScores(0.25f)
          .build();
    }
    for (int i = 0; i < text.getTokenizedInputs().getIdsCount(); i++) {
      list.addPredictions(LABELS.get(i % LABELS.size())).addScores(i % 2 == 0 ? 0.5f : 1);
    }
    return list.build();
  }

  static void failOnPoison(List<Request> texts) {
    String culprits =
        texts.stream()
            .filter(text -> text.getInputs().contains("overflow"))
            .map(text -> Long.toString(text.getId()))
            .collect(Collectors.joining(","));
    if (!culprits.isEmpty()) {
      var trailers = new Metadata();
      trailers.put(ScriptedText.FAILED_REQUESTS, culprits);
      throw Status.INTERNAL.withDescription("numbers overflow").asRuntimeException(trailers);
    }
    if (texts.stream().anyMatch(text -> text.getInputs().contains("poison"))) {
      throw Status.INTERNAL.withDescription("the text is poisoned").asRuntimeException();
    }
  }
}
