package dev.lorax.e2e.chat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** An answer put together from the events of its stream. Confined to one thread. */
final class AnswerReader {

  private static final ObjectMapper JSON = new ObjectMapper();

  private final Question question;
  private final InstantSource clock;
  private final Instant begin;
  private final Consumer<String> pieces;
  private final StringBuilder text = new StringBuilder();
  private @Nullable Instant first;
  private int tokens;
  private boolean finished;

  AnswerReader(Question question, InstantSource clock, Consumer<String> pieces) {
    this.question = question;
    this.clock = clock;
    this.begin = clock.instant();
    this.pieces = pieces;
  }

  void event(String data) {
    if (data.equals("[DONE]")) {
      finished = true;
      return;
    }
    JsonNode event = parse(data);
    if (event.has("error")) {
      throw RequestRefused.of(question, 200, data);
    }
    tokens++;
    if (first == null) {
      first = clock.instant();
    }
    String piece = event.path("choices").path(0).path("delta").path("content").asText("");
    text.append(piece);
    pieces.accept(piece);
  }

  Answer answer() {
    if (!finished) {
      throw RequestRefused.of(question, 200, "the stream ended without [DONE] after: " + text);
    }
    Instant end = clock.instant();
    var firstToken = Duration.between(begin, first == null ? end : first);
    return new Answer(text.toString(), tokens, firstToken, Duration.between(begin, end));
  }

  private JsonNode parse(String data) {
    try {
      return JSON.readTree(data);
    } catch (JsonProcessingException e) {
      throw RequestRefused.of(question, 200, "expected JSON in an event, got " + data);
    }
  }
}
