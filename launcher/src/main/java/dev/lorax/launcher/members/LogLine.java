package dev.lorax.launcher.members;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.slf4j.event.Level;

/**
 * A member's JSON log line, in whichever of the known forms it was written: loguru (shards),
 * tracing (upstream's router), logback (our router).
 */
record LogLine(Level level, String message, Map<String, String> fields) {

  private static final ObjectMapper JSON = new ObjectMapper();

  private static final List<String> LEVELS = List.of("/record/level/name", "/level");
  private static final List<String> MESSAGES =
      List.of("/record/message", "/fields/message", "/message", "/text");

  LogLine {
    fields = Collections.unmodifiableMap(new LinkedHashMap<>(fields));
  }

  static LogLine plain(String text) {
    return new LogLine(Level.INFO, text, Map.of());
  }

  /** Empty when the line is not a JSON log line. */
  static Optional<LogLine> parse(String line) {
    if (!line.startsWith("{")) {
      return Optional.empty();
    }
    try {
      JsonNode json = JSON.readTree(line);
      Level level = level(first(json, LEVELS).orElse("INFO"));
      return first(json, MESSAGES).map(text -> new LogLine(level, text.strip(), fields(json)));
    } catch (JsonProcessingException e) {
      return Optional.empty();
    }
  }

  private static Optional<String> first(JsonNode json, List<String> pointers) {
    return pointers.stream()
        .map(json::at)
        .filter(JsonNode::isTextual)
        .map(JsonNode::textValue)
        .findFirst();
  }

  private static Map<String, String> fields(JsonNode json) {
    Map<String, String> fields = new LinkedHashMap<>();
    List<JsonNode> objects = new ArrayList<>(List.of(json.at("/record/extra"), json.at("/fields")));
    json.at("/kvpList").forEach(objects::add);
    for (var object : objects) {
      object.properties().forEach(field -> fields.put(field.getKey(), field.getValue().asText()));
    }
    fields.remove("message");
    return fields;
  }

  private static Level level(String name) {
    return switch (name.toUpperCase(Locale.ROOT)) {
      case "TRACE" -> Level.TRACE;
      case "DEBUG" -> Level.DEBUG;
      case "WARN", "WARNING" -> Level.WARN;
      case "ERROR", "CRITICAL" -> Level.ERROR;
      default -> Level.INFO;
    };
  }
}
