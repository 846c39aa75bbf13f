package dev.lorax.launcher.members;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.slf4j.event.Level;

/** A member's JSON log line, in whichever of the known forms it was written. */
record LogLine(Level level, String message) {

  private static final ObjectMapper JSON = new ObjectMapper();

  /** loguru (shards), tracing (upstream's router), logback (our router). */
  private static final List<String> LEVELS = List.of("/record/level/name", "/level");

  private static final List<String> MESSAGES =
      List.of("/record/message", "/fields/message", "/message", "/text");

  /** Empty when the line is not a JSON log line. */
  static Optional<LogLine> parse(String line) {
    if (!line.startsWith("{")) {
      return Optional.empty();
    }
    try {
      JsonNode json = JSON.readTree(line);
      Optional<String> message = first(json, MESSAGES);
      return message.map(
          text -> new LogLine(level(first(json, LEVELS).orElse("INFO")), text.strip()));
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
