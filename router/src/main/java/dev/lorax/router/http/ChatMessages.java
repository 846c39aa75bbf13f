package dev.lorax.router.http;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.vertx.core.buffer.Buffer;
import java.util.ArrayList;
import java.util.List;

/** The messages of a chat, as OpenAI's clients send them and as chat templates read them. */
final class ChatMessages {
  private ChatMessages() {}

  /**
   * A JSON array for the template: parts of text are joined by line breaks, no content is the empty
   * text, and the arguments of earlier calls, which clients send as text, are objects.
   */
  static String forTemplate(JsonFields chat) throws FieldException {
    List<JsonFields> messages = chat.objects("messages");
    if (messages.isEmpty()) {
      throw new FieldException("`messages`: expected a non-empty array");
    }
    ArrayNode plain = chat.raw("messages").deepCopy();
    for (int i = 0; i < messages.size(); i++) {
      messages.get(i).requiredText("role");
      ObjectNode message = (ObjectNode) plain.get(i);
      if (message.path("content").isArray()) {
        message.put("content", joined(messages.get(i).objects("content")));
      }
      // Templates add to the content, which clients leave out beside a call.
      if (message.path("content").isNull() || message.path("content").isMissingNode()) {
        message.put("content", "");
      }
      List<JsonFields> calls = messages.get(i).objects("tool_calls");
      for (int call = 0; call < calls.size(); call++) {
        JsonNode arguments = arguments(calls.get(call).object("function"));
        var function = (ObjectNode) message.path("tool_calls").get(call).path("function");
        function.set("arguments", arguments);
      }
    }
    return plain.toString();
  }

  private static String joined(List<JsonFields> parts) throws FieldException {
    var texts = new ArrayList<String>();
    for (JsonFields part : parts) {
      String type = part.requiredText("type");
      if (!type.equals("text")) {
        throw new FieldException(part.path("type"), "text, as this model reads nothing else", type);
      }
      texts.add(part.requiredText("text"));
    }
    return String.join("\n", texts);
  }

  private static JsonNode arguments(JsonFields function) throws FieldException {
    String arguments = function.requiredText("arguments");
    try {
      return Json.parse(Buffer.buffer(arguments));
    } catch (Json.MalformedException e) {
      throw new FieldException(function.path("arguments"), "the text of a JSON value", arguments);
    }
  }
}
