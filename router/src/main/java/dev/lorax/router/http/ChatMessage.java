package dev.lorax.router.http;

import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * What a model has to say in a chat: words or the call of a tool, never both. Immutable.
 *
 * @param arguments JSON text, cut where the answer was
 * @param finishReason as OpenAI calls it
 */
record ChatMessage(
    @Nullable String content,
    @Nullable String tool,
    @Nullable String arguments,
    String finishReason) {
  static ChatMessage words(String text, String finishReason) {
    return new ChatMessage(text, null, null, finishReason);
  }

  /**
   * Reads an answer that was bound to the schema of tools.
   *
   * @param finishReason that of an answer in words
   */
  static ChatMessage read(String text, String finishReason) {
    var reader = new CallReader();
    reader.add(text);
    reader.finish();
    String tool = reader.tool();
    return tool == null
        ? words(reader.takeWords(), finishReason)
        : new ChatMessage(null, tool, reader.takeArguments(), reader.finishReason(finishReason));
  }

  /** Writes the fields {@code content} and {@code tool_calls}. */
  void write(JsonGenerator json) throws IOException {
    json.writeStringField("content", content);
    if (tool != null && arguments != null) {
      ToolCall.write(json, tool, arguments);
    }
  }
}
