package dev.lorax.router.http;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.lorax.router.generation.FinishReason;
import dev.lorax.router.generation.GeneratedText;
import dev.lorax.router.request.Completion.Completed;
import java.io.IOException;
import java.util.List;

/**
 * What all answers to one OpenAI request have in common. Immutable.
 *
 * @param model as the client named it
 */
record OpenAiAnswer(String id, long createdSeconds, String model, List<String> stops) {
  /** The reason of an answer that was cut for its length. */
  static final String CUT = "length";

  OpenAiAnswer {
    stops = List.copyOf(stops);
  }

  void writeHead(JsonGenerator json, String object) throws IOException {
    json.writeStringField("id", id);
    json.writeStringField("object", object);
    json.writeNumberField("created", createdSeconds);
    json.writeStringField("model", model);
  }

  String text(GeneratedText text) {
    return text.finishReason() == FinishReason.STOP_SEQUENCE
        ? StopText.strip(text.text(), stops)
        : text.text();
  }

  static String finishReason(FinishReason reason) {
    return switch (reason) {
      case LENGTH -> CUT;
      case END_OF_SEQUENCE, STOP_SEQUENCE -> "stop";
    };
  }

  static void writeUsage(JsonGenerator json, int promptTokens, List<Completed> sequences)
      throws IOException {
    int generated = sequences.stream().mapToInt(s -> s.text().generatedTokens()).sum();
    writeUsage(json, promptTokens, generated);
  }

  static void writeUsage(JsonGenerator json, int promptTokens, int generated) throws IOException {
    json.writeObjectFieldStart("usage");
    json.writeNumberField("prompt_tokens", promptTokens);
    json.writeNumberField("completion_tokens", generated);
    json.writeNumberField("total_tokens", promptTokens + generated);
    json.writeEndObject();
  }
}
