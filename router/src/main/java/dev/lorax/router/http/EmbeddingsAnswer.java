package dev.lorax.router.http;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.lorax.router.encoding.Encoding;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

/** The list of embeddings in OpenAI's shape, and beside it in upstream's where that is wanted. */
record EmbeddingsAnswer(String model, boolean base64, boolean alsoUpstreams) {
  void write(JsonGenerator json, List<Encoding> encodings, int tokens) throws IOException {
    json.writeStringField("object", "list");
    writeList(json, "data", encodings, base64);
    if (alsoUpstreams) {
      writeList(json, "embeddings", encodings, false);
    }
    json.writeStringField("model", model);
    json.writeObjectFieldStart("usage");
    json.writeNumberField("prompt_tokens", tokens);
    json.writeNumberField("total_tokens", tokens);
    json.writeEndObject();
  }

  private static void writeList(
      JsonGenerator json, String name, List<Encoding> encodings, boolean base64)
      throws IOException {
    json.writeArrayFieldStart(name);
    for (int i = 0; i < encodings.size(); i++) {
      json.writeStartObject();
      json.writeStringField("object", "embedding");
      json.writeNumberField("index", i);
      json.writeFieldName("embedding");
      float[] values = values(encodings.get(i));
      if (base64) {
        json.writeBinary(bytes(values));
      } else {
        write(json, values);
      }
      json.writeEndObject();
    }
    json.writeEndArray();
  }

  /** As floats, so that they keep their digits. */
  static void write(JsonGenerator json, float[] values) throws IOException {
    json.writeStartArray();
    for (float value : values) {
      json.writeNumber(value);
    }
    json.writeEndArray();
  }

  static float[] values(Encoding encoding) {
    return switch (encoding) {
      case Encoding.Embedding embedding -> embedding.values();
      case Encoding.Classification _ ->
          throw new IllegalStateException("the shards classified a text that was to be embedded");
    };
  }

  private static byte[] bytes(float[] values) {
    var bytes = ByteBuffer.allocate(values.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(values);
    return bytes.array();
  }
}
