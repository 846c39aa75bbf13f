package dev.lorax.router.http;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.JsonNode;
import dev.lorax.router.batching.ModelAbilities.Classification;
import dev.lorax.router.encoding.Encoding;
import dev.lorax.router.encoding.EncodingTask;
import dev.lorax.router.encoding.Prediction;
import dev.lorax.router.request.GenerateCall.AdapterChoice;
import dev.lorax.router.request.TextCall;
import dev.lorax.router.request.TextCall.TextInput;
import dev.lorax.router.request.TextPreparation.Prepared;
import dev.lorax.router.request.TextPreparation.PreparedText;
import io.vertx.core.buffer.Buffer;
import java.io.IOException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Upstream's way of asking for classes, of one text or of several. A model that classifies tokens
 * answers with entities as upstream does, one that classifies texts with labels and their scores.
 * Adapters are none of it, as upstream.
 */
record ClassifyDialect(Classification kind, boolean batch) implements TextDialect {
  private static final AdapterChoice NO_ADAPTER = new AdapterChoice(null, null, null, null);

  @Override
  public TextQuestion read(JsonNode body, @Nullable String bearer) throws FieldException {
    JsonFields fields = JsonFields.of(body);
    if (batch && !fields.has("inputs")) {
      throw new FieldException("missing field `inputs`");
    }
    List<String> texts = batch ? fields.texts("inputs") : List.of(fields.requiredText("inputs"));
    List<TextInput> inputs = texts.stream().<TextInput>map(TextInput.Words::new).toList();
    return new Question(
        new TextCall(EncodingTask.CLASSIFY, "inputs", inputs, NO_ADAPTER), kind, batch);
  }

  @Override
  public ErrorFormat errors() {
    return ErrorFormat.NATIVE;
  }

  private record Question(TextCall call, Classification kind, boolean batch)
      implements TextQuestion {
    @Override
    public Buffer answer(Prepared prepared, List<Encoding> encodings) {
      return Json.writeArray(json -> {
        for (int i = 0; i < encodings.size(); i++) {
          if (batch) {
            json.writeStartArray();
          }
          write(json, prepared.texts().get(i), predictions(encodings.get(i)));
          if (batch) {
            json.writeEndArray();
          }
        }
      });
    }

    private void write(JsonGenerator json, PreparedText text, List<Prediction> predictions)
        throws IOException {
      switch (kind) {
        case TOKENS -> {
          for (Entity entity : Entity.of(text.prompt().text(), text.tokens(), predictions)) {
            entity.write(json);
          }
        }
        case NONE, TEXTS -> {
          for (Prediction prediction : predictions) {
            json.writeStartObject();
            json.writeStringField("label", prediction.label());
            json.writeNumberField("score", prediction.score());
            json.writeEndObject();
          }
        }
      }
    }

    private static List<Prediction> predictions(Encoding encoding) {
      return switch (encoding) {
        case Encoding.Classification classification -> classification.predictions();
        case Encoding.Embedding _ ->
            throw new IllegalStateException("the shards embedded a text that was to be classified");
      };
    }
  }
}
