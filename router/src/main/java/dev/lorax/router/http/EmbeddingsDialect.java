package dev.lorax.router.http;

import com.fasterxml.jackson.databind.JsonNode;
import dev.lorax.router.encoding.Encoding;
import dev.lorax.router.encoding.EncodingTask;
import dev.lorax.router.request.GenerateCall.AdapterChoice;
import dev.lorax.router.request.TextCall;
import dev.lorax.router.request.TextCall.TextInput;
import dev.lorax.router.request.TextPreparation.Prepared;
import io.vertx.core.buffer.Buffer;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * OpenAI's embeddings. Upstream has the path too, with a shape of its own: its adapter in {@code
 * parameters} is understood, and a client that names no encoding finds its list beside OpenAI's.
 */
record EmbeddingsDialect(String baseModel) implements TextDialect {
  @Override
  public TextQuestion read(JsonNode body, @Nullable String bearer) throws FieldException {
    JsonFields fields = JsonFields.of(body);
    var reader = new OpenAiRequestReader(baseModel, fields);
    if (fields.has("dimensions")) {
      throw new FieldException(
          "`dimensions` is not supported: an embedding has the size that the model gives it");
    }
    String encoding = fields.text("encoding_format");
    boolean base64 = "base64".equals(encoding);
    if (encoding != null && !base64 && !encoding.equals("float")) {
      throw new FieldException("encoding_format", "float or base64", "another string");
    }
    List<TextInput> inputs = EmbeddingInputs.read(fields);
    var call = new TextCall(EncodingTask.EMBED, "input", inputs, adapter(fields, reader, bearer));
    return new Question(call, new EmbeddingsAnswer(reader.model(), base64, encoding == null));
  }

  @Override
  public ErrorFormat errors() {
    return ErrorFormat.OPENAI;
  }

  private static AdapterChoice adapter(
      JsonFields fields, OpenAiRequestReader reader, @Nullable String bearer)
      throws FieldException {
    JsonFields parameters = fields.object("parameters");
    boolean upstreams = parameters.has("adapter_id") || parameters.has("merged_adapters");
    return upstreams ? NativeRequestReader.adapter(parameters, bearer) : reader.adapter(bearer);
  }

  private record Question(TextCall call, EmbeddingsAnswer form) implements TextQuestion {
    @Override
    public Buffer answer(Prepared prepared, List<Encoding> encodings) {
      return Json.write(json -> form.write(json, encodings, prepared.tokens()));
    }
  }
}
