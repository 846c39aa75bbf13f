package dev.lorax.router.http;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.JsonNode;
import io.vertx.core.buffer.Buffer;
import java.io.IOException;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * What a model has to say in a chat: words or the call of a tool, never both. Immutable.
 *
 * @param arguments JSON text
 */
record ChatMessage(@Nullable String content, @Nullable String tool, @Nullable String arguments) {
  static ChatMessage words(String text) {
    return new ChatMessage(text, null, null);
  }

  /** Reads an answer that was bound to the schema of tools; one that was cut stays text. */
  static ChatMessage read(String text) {
    JsonNode call;
    try {
      call = Json.parse(Buffer.buffer(text));
    } catch (Json.MalformedException e) {
      return words(text);
    }
    String name = call.path("name").asText();
    JsonNode arguments = call.path("arguments");
    return name.equals(Tools.NO_TOOL)
        ? words(arguments.path("content").asText())
        : new ChatMessage(null, name, arguments.toString());
  }

  /** OpenAI's reason where the model ended by itself. */
  String finishReason(String otherwise) {
    return tool == null ? otherwise : "tool_calls";
  }

  /** Writes the fields {@code content} and {@code tool_calls}. */
  void write(JsonGenerator json, boolean inStream) throws IOException {
    json.writeStringField("content", content);
    if (tool == null) {
      return;
    }
    json.writeArrayFieldStart("tool_calls");
    json.writeStartObject();
    if (inStream) {
      json.writeNumberField("index", 0);
    }
    json.writeStringField("id", "call_" + UUID.randomUUID());
    json.writeStringField("type", "function");
    json.writeObjectFieldStart("function");
    json.writeStringField("name", tool);
    json.writeStringField("arguments", arguments);
    json.writeEndObject();
    json.writeEndObject();
    json.writeEndArray();
  }
}
