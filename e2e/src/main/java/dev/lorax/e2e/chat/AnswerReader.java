package dev.lorax.e2e.chat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.time.Duration;
import java.util.function.Consumer;

/** An answer put together from the events of its stream. Confined to one thread. */
final class AnswerReader {

  private static final ObjectMapper JSON = new ObjectMapper();

  private final Question question;
  private final long beginNanos;
  private final Consumer<String> pieces;
  private final StringBuilder text = new StringBuilder();
  private long firstNanos;
  private int tokens;
  private boolean finished;

  AnswerReader(Question question, long beginNanos, Consumer<String> pieces) {
    this.question = question;
    this.beginNanos = beginNanos;
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
    if (tokens++ == 0) {
      firstNanos = System.nanoTime();
    }
    String piece = event.path("choices").path(0).path("delta").path("content").asText("");
    text.append(piece);
    pieces.accept(piece);
  }

  Answer answer() {
    if (!finished) {
      throw RequestRefused.of(question, 200, "the stream ended without [DONE] after: " + text);
    }
    var firstToken = Duration.ofNanos(firstNanos - beginNanos);
    var total = Duration.ofNanos(System.nanoTime() - beginNanos);
    return new Answer(text.toString(), tokens, firstToken, total);
  }

  private JsonNode parse(String data) {
    try {
      return JSON.readTree(data);
    } catch (JsonProcessingException e) {
      throw RequestRefused.of(question, 200, "expected JSON in an event, got " + data);
    }
  }
}
