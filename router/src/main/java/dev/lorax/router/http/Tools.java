package dev.lorax.router.http;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The functions that a chat offers to the model. The answer is bound to a schema: the name of one
 * of them and arguments that fit. Immutable.
 *
 * <p>Where the model may also answer in words, it does so by calling {@code no_tool}; the client
 * sees plain content.
 *
 * @param json definitions for the chat template
 * @param schema what the answer must follow
 */
record Tools(String json, String schema) {
  static final String NO_TOOL = "no_tool";

  private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

  /** OpenAI's rule. */
  private static final Pattern NAME = Pattern.compile("[a-zA-Z0-9_-]{1,64}");

  /** The tools of a chat; null where the model gets none. */
  static @Nullable Tools of(JsonFields chat) throws FieldException {
    JsonNode offered = chat.raw("tools");
    String choice = ToolChoice.read(chat);
    Map<String, JsonNode> parameters = parameters(chat.objects("tools"));
    if (parameters.isEmpty()) {
      if (choice.equals(ToolChoice.AUTO) || choice.equals(ToolChoice.NONE)) {
        return null;
      }
      throw new FieldException("`tool_choice`: needs `tools`");
    }
    if (chat.has("response_format")) {
      throw new FieldException("`response_format` and `tools` are mutually exclusive");
    }
    return switch (choice) {
      case ToolChoice.NONE -> null;
      case ToolChoice.AUTO -> new Tools(withNoTool(offered), schema(parameters, true));
      case ToolChoice.REQUIRED -> new Tools(offered.toString(), schema(parameters, false));
      default -> {
        if (!parameters.containsKey(choice)) {
          throw new FieldException(
              "tool_choice.function.name", "one of " + parameters.keySet(), choice);
        }
        Map<String, JsonNode> chosen = Map.of(choice, parameters.get(choice));
        yield new Tools(offered.toString(), schema(chosen, false));
      }
    };
  }

  private static Map<String, JsonNode> parameters(List<JsonFields> tools) throws FieldException {
    Map<String, JsonNode> byName = new LinkedHashMap<>();
    for (JsonFields tool : tools) {
      String type = tool.requiredText("type");
      if (!type.equals("function")) {
        throw new FieldException(tool.path("type"), "function", type);
      }
      JsonFields function = tool.object("function");
      String name = function.requiredText("name");
      if (!NAME.matcher(name).matches() || name.equals(NO_TOOL)) {
        throw new FieldException(
            function.path("name"), "up to 64 of a-z A-Z 0-9 _ - other than " + NO_TOOL, name);
      }
      boolean bare = function.object("parameters").isAbsent();
      if (byName.put(name, bare ? noArguments() : function.raw("parameters")) != null) {
        throw new FieldException(function.path("name"), "a name that no other tool has", name);
      }
    }
    return byName;
  }

  /** Parameters lie under {@code $defs}, where their references to themselves still hold. */
  private static String schema(Map<String, JsonNode> parameters, boolean orWords) {
    ObjectNode root = NODES.objectNode();
    ArrayNode calls = root.putArray("anyOf");
    ObjectNode definitions = root.putObject("$defs");
    parameters.forEach((name, schema) -> {
      String place = "#/$defs/" + name;
      calls.add(call(name, NODES.objectNode().put("$ref", place)));
      definitions.set(name, moved(schema, place));
    });
    if (orWords) {
      calls.add(call(NO_TOOL, words()));
    }
    return root.toString();
  }

  private static ObjectNode call(String name, JsonNode arguments) {
    ObjectNode call = NODES.objectNode().put("type", "object");
    ObjectNode properties = call.putObject("properties");
    properties.putObject("name").put("const", name);
    properties.set("arguments", arguments);
    call.putArray("required").add("name").add("arguments");
    return call.put("additionalProperties", false);
  }

  private static ObjectNode noArguments() {
    ObjectNode none = NODES.objectNode().put("type", "object");
    none.putObject("properties");
    return none.put("additionalProperties", false);
  }

  /** The schema with its references to places in itself leading to where it lies now. */
  private static JsonNode moved(JsonNode schema, String place) {
    JsonNode copy = schema.deepCopy();
    for (JsonNode parent : copy.findParents("$ref")) {
      String target = parent.path("$ref").asText();
      if (target.startsWith("#")) {
        ((ObjectNode) parent).put("$ref", place + target.substring(1));
      }
    }
    return copy;
  }

  private static String withNoTool(JsonNode offered) {
    ArrayNode all = offered.deepCopy();
    ObjectNode function = all.addObject().put("type", "function").putObject("function");
    function.put("name", NO_TOOL);
    function.put("description", "Answers in plain words; for when no other function helps.");
    function.set("parameters", words());
    return all.toString();
  }

  private static ObjectNode words() {
    ObjectNode words = NODES.objectNode().put("type", "object");
    words.putObject("properties").putObject("content").put("type", "string");
    words.putArray("required").add("content");
    return words.put("additionalProperties", false);
  }
}
