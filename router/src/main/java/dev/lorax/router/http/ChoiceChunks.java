package dev.lorax.router.http;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.lorax.router.generation.Token;
import io.vertx.core.buffer.Buffer;
import java.io.IOException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Writes the chunks of one choice of an OpenAI stream.
 *
 * @param index of the choice
 * @param includeUsage whether the stream ends with its usage, which all other chunks then lack
 */
record ChoiceChunks(OpenAiAnswer answer, Shape shape, int index, boolean includeUsage) {
  /** Adds what comes before the first text. */
  void open(Buffer events) {
    shape.opening(this, events);
  }

  /** Adds one chunk. */
  void add(ChoiceBody body, List<Token> tokens, @Nullable String finishReason, Buffer events) {
    StreamFormat.event(
        Json.write(json -> {
          answer.writeHead(json, shape.object());
          json.writeArrayFieldStart("choices");
          json.writeStartObject();
          json.writeNumberField("index", index);
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

  /** Adds a chunk with a piece of the text. */
  void text(String text, List<Token> tokens, Buffer events) {
    add(json -> shape.text(json, text), tokens, null, events);
  }

  /** Adds what comes after the last text. */
  void close(String finishReason, Buffer events) {
    add(shape::closing, List.of(), finishReason, events);
  }

  /** How a choice of a chunk looks. */
  interface Shape {
    String object();

    /** Chunks before the first text. */
    void opening(ChoiceChunks chunks, Buffer events);

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
