package dev.lorax.router.shard;

import dev.lorax.protocol.generate.v1.Batch;
import dev.lorax.protocol.generate.v1.ClassifyPredictionList;
import dev.lorax.protocol.generate.v1.Embedding;
import dev.lorax.protocol.generate.v1.NextTokenChooserParameters;
import dev.lorax.protocol.generate.v1.Request;
import dev.lorax.protocol.generate.v1.StoppingCriteriaParameters;
import dev.lorax.protocol.generate.v1.TokenizedInputs;
import dev.lorax.router.encoding.Encoding;
import dev.lorax.router.encoding.EncodingEntry;
import dev.lorax.router.encoding.Prediction;
import java.util.ArrayList;
import java.util.List;

/** Texts as the shards want to read them, and what they make of them. */
final class WireEncodings {
  private WireEncodings() {}

  static Batch batch(List<EncodingEntry> entries) {
    var message =
        Batch.newBuilder()
            // Nothing is kept under it.
            .setId(entries.getFirst().id())
            .setSize(entries.size());
    int tokens = 0;
    for (EncodingEntry entry : entries) {
      message.addRequests(request(entry));
      tokens += entry.text().length();
    }
    return message.setMaxTokens(tokens).build();
  }

  private static Request request(EncodingEntry entry) {
    var tokens = TokenizedInputs.newBuilder();
    for (int id : entry.text().tokenIds()) {
      tokens.addIds(id);
    }
    return Request.newBuilder()
        .setId(entry.id())
        .setInputs(entry.text().text())
        .setTokenizedInputs(tokens)
        .setTruncate(entry.text().length())
        // What upstream's shards read of every request, neutral.
        .setParameters(
            NextTokenChooserParameters.newBuilder()
                .setTemperature(1)
                .setTopP(1)
                .setTypicalP(1)
                .setRepetitionPenalty(1)
                .setAdapterId(entry.adapter().isBase() ? "" : entry.adapter().label()))
        .setStoppingParameters(StoppingCriteriaParameters.newBuilder().setMaxNewTokens(1))
        .setAdapterIndex(entry.adapterIndex())
        .build();
  }

  static Encoding embedding(Embedding message) {
    var values = new float[message.getValuesCount()];
    for (int i = 0; i < values.length; i++) {
      values[i] = message.getValues(i);
    }
    return new Encoding.Embedding(message.getRequestId(), values);
  }

  static Encoding classification(ClassifyPredictionList message) {
    var predictions = new ArrayList<Prediction>(message.getPredictionsCount());
    for (int i = 0; i < message.getPredictionsCount(); i++) {
      predictions.add(new Prediction(message.getPredictions(i), message.getScores(i)));
    }
    return new Encoding.Classification(message.getRequestId(), predictions);
  }
}
