package dev.lorax.router.http;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.lorax.router.generation.FinishReason;
import dev.lorax.router.generation.GeneratedText;
import dev.lorax.router.generation.Generation;
import dev.lorax.router.generation.Token;
import dev.lorax.router.request.Preparation.Prepared;
import io.vertx.core.buffer.Buffer;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The events of an OpenAI stream: pieces of text, a finish reason, usage if asked for, the end
 * mark.
 */
final class OpenAiStream implements StreamFormat {
  private final OpenAiAnswer answer;
  private final Prepared prepared;
  private final boolean logprobs;
  private final boolean includeUsage;
  private final Shape shape;
  private final StopText stopText;
  private final List<Token> untold = new ArrayList<>();
  private boolean started;

  /**
   * @param logprobs whether each chunk tells the log-probabilities of its tokens
   */
  OpenAiStream(
      OpenAiAnswer answer, Prepared prepared, boolean logprobs, boolean includeUsage, Shape shape) {
    this.answer = answer;
    this.prepared = prepared;
    this.logprobs = logprobs;
    this.includeUsage = includeUsage;
    this.shape = shape;
    this.stopText = new StopText(answer.stops());
  }

  @Override
  public void append(Generation generation, Buffer events) {
    open(events);
    for (Token token : generation.tokens()) {
      // Special tokens are marks for machines, not text.
      if (!token.special()) {
        if (logprobs) {
          untold.add(token);
        }
        appendText(stopText.add(token.text()), events);
      }
    }
    if (generation.end() != null) {
      GeneratedText end = generation.end();
      appendText(stopText.finish(end.finishReason() == FinishReason.STOP_SEQUENCE), events);
      close(end, OpenAiAnswer.finishReason(end.finishReason()), events);
    }
  }

  /** Adds what comes before the first text, once. */
  void open(Buffer events) {
    if (!started) {
      started = true;
      shape.opening(this, events);
    }
  }

  /** Adds one chunk with one choice. */
  void chunk(ChoiceBody body, List<Token> tokens, @Nullable String finishReason, Buffer events) {
    StreamFormat.event(
        Json.write(json -> {
          answer.writeHead(json, shape.object());
          json.writeArrayFieldStart("choices");
          json.writeStartObject();
          json.writeNumberField("index", 0);
          body.write(json);
          shape.logprobs(json, tokens);
          json.writeStringField("finish_reason", finishReason);
          json.writeEndObject();
          json.writeEndArray();
          if (includeUsage) {
            json.writeNullField("usage");
          }
        }),
        events);
  }

  private void appendText(String text, Buffer events) {
    if (!text.isEmpty()) {
      chunk(json -> shape.text(json, text), untold, null, events);
      untold.clear();
    }
  }

  /** Adds what comes after the last text. */
  void close(GeneratedText end, String finishReason, Buffer events) {
    chunk(shape::closing, List.of(), finishReason, events);
    if (includeUsage) {
      StreamFormat.event(
          Json.write(json -> {
            answer.writeHead(json, shape.object());
            json.writeArrayFieldStart("choices");
            json.writeEndArray();
            OpenAiAnswer.writeUsage(json, prepared.promptTokens(), end.generatedTokens());
          }),
          events);
    }
    events.appendString("data: [DONE]\n\n");
  }

  /** How a choice of a chunk looks. */
  interface Shape {
    String object();

    /** Events before the first text. */
    void opening(OpenAiStream stream, Buffer events);

    void text(JsonGenerator json, String text) throws IOException;

    /** Writes the field {@code logprobs}, null where there is nothing to tell. */
    void logprobs(JsonGenerator json, List<Token> tokens) throws IOException;

    void closing(JsonGenerator json) throws IOException;
  }

  /** Writes the part of a choice that carries text. */
  @FunctionalInterface
  interface ChoiceBody {
    void write(JsonGenerator json) throws IOException;
  }
}
