package dev.lorax.router.http;

import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.util.UUID;

/** How the call of a tool looks: the field {@code tool_calls} of a message or of a delta. */
final class ToolCall {
  private ToolCall() {}

  /**
   * A whole call.
   *
   * @param arguments JSON text
   */
  static void write(JsonGenerator json, String tool, String arguments) throws IOException {
    open(json);
    writeHead(json, tool, arguments);
    close(json);
  }

  /**
   * The first piece of a call, which names it.
   *
   * @param arguments the beginning of a JSON text
   */
  static void writeBeginning(JsonGenerator json, int index, String tool, String arguments)
      throws IOException {
    open(json);
    json.writeNumberField("index", index);
    writeHead(json, tool, arguments);
    close(json);
  }

  /** A further piece of the arguments. */
  static void writeMore(JsonGenerator json, int index, String arguments) throws IOException {
    open(json);
    json.writeNumberField("index", index);
    json.writeObjectFieldStart("function");
    json.writeStringField("arguments", arguments);
    json.writeEndObject();
    close(json);
  }

  private static void writeHead(JsonGenerator json, String tool, String arguments)
      throws IOException {
    json.writeStringField("id", "call_" + UUID.randomUUID());
    json.writeStringField("type", "function");
    json.writeObjectFieldStart("function");
    json.writeStringField("name", tool);
    json.writeStringField("arguments", arguments);
    json.writeEndObject();
  }

  private static void open(JsonGenerator json) throws IOException {
    json.writeArrayFieldStart("tool_calls");
    json.writeStartObject();
  }

  private static void close(JsonGenerator json) throws IOException {
    json.writeEndObject();
    json.writeEndArray();
  }
}
