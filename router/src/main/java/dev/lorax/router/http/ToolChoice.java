package dev.lorax.router.http;

import com.fasterxml.jackson.databind.JsonNode;

/** Which tool a chat asks for: one of the words here, or the name of a function. */
final class ToolChoice {
  static final String AUTO = "auto";
  static final String NONE = "none";
  static final String REQUIRED = "required";

  private ToolChoice() {}

  static String read(JsonFields chat) throws FieldException {
    JsonNode choice = chat.raw("tool_choice");
    if (choice.isMissingNode() || choice.isNull()) {
      return AUTO;
    }
    if (choice.isTextual()) {
      return switch (choice.textValue()) {
        case AUTO, NONE, REQUIRED -> choice.textValue();
        default ->
            throw new FieldException(
                "tool_choice", "auto, none, required or a function", choice.textValue());
      };
    }
    JsonFields named = chat.object("tool_choice");
    if (!"function".equals(named.requiredText("type"))) {
      throw new FieldException("tool_choice.type", "function", named.requiredText("type"));
    }
    return named.object("function").requiredText("name");
  }
}
