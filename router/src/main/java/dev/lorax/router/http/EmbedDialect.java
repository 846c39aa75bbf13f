package dev.lorax.router.http;

import com.fasterxml.jackson.databind.JsonNode;
import dev.lorax.router.encoding.Encoding;
import dev.lorax.router.encoding.EncodingTask;
import dev.lorax.router.request.TextCall;
import dev.lorax.router.request.TextCall.TextInput;
import dev.lorax.router.request.TextPreparation.Prepared;
import io.vertx.core.buffer.Buffer;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Upstream's own way of asking for the embedding of one text. */
final class EmbedDialect implements TextDialect {
  @Override
  public TextQuestion read(JsonNode body, @Nullable String bearer) throws FieldException {
    JsonFields fields = JsonFields.of(body);
    return new Question(
        new TextCall(
            EncodingTask.EMBED,
            "inputs",
            List.of(new TextInput.Words(fields.requiredText("inputs"))),
            NativeRequestReader.adapter(fields.object("parameters"), bearer)));
  }

  @Override
  public ErrorFormat errors() {
    return ErrorFormat.NATIVE;
  }

  private record Question(TextCall call) implements TextQuestion {
    @Override
    public Buffer answer(Prepared prepared, List<Encoding> encodings) {
      float[] values = EmbeddingsAnswer.values(encodings.getFirst());
      return Json.write(json -> {
        json.writeFieldName("embeddings");
        EmbeddingsAnswer.write(json, values);
      });
    }
  }
}
