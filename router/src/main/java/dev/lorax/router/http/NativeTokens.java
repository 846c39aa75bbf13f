package dev.lorax.router.http;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.lorax.router.generation.GeneratedText;
import dev.lorax.router.generation.PrefillToken;
import dev.lorax.router.generation.Token;
import java.io.IOException;
import java.util.List;

/** The parts that upstream's answers are made of. */
final class NativeTokens {
  private NativeTokens() {}

  static void write(JsonGenerator json, Token token) throws IOException {
    json.writeStartObject();
    json.writeNumberField("id", token.id());
    json.writeStringField("text", token.text());
    json.writeFieldName("logprob");
    Json.writeLogprob(json, token.logprob());
    json.writeBooleanField("special", token.special());
    if (!token.alternatives().isEmpty()) {
      writeAlternatives(json, token.alternatives());
    }
    json.writeBooleanField("skipped", token.skipped());
    json.writeEndObject();
  }

  static void writePrefill(JsonGenerator json, List<PrefillToken> tokens) throws IOException {
    json.writeArrayFieldStart("prefill");
    for (PrefillToken token : tokens) {
      json.writeStartObject();
      json.writeNumberField("id", token.id());
      json.writeStringField("text", token.text());
      json.writeFieldName("logprob");
      Json.writeLogprob(json, token.logprob());
      json.writeEndObject();
    }
    json.writeEndArray();
  }

  static void writeTokens(JsonGenerator json, List<Token> tokens) throws IOException {
    json.writeArrayFieldStart("tokens");
    for (Token token : tokens) {
      write(json, token);
    }
    json.writeEndArray();
  }

  static void writeSeed(JsonGenerator json, GeneratedText text) throws IOException {
    json.writeFieldName("seed");
    if (text.seed() == null) {
      json.writeNull();
    } else {
      json.writeNumber(Long.toUnsignedString(text.seed()));
    }
  }

  private static void writeAlternatives(
      JsonGenerator json, List<Token.AlternativeToken> alternatives) throws IOException {
    json.writeArrayFieldStart("alternative_tokens");
    for (Token.AlternativeToken token : alternatives) {
      json.writeStartObject();
      json.writeNumberField("id", token.id());
      json.writeStringField("text", token.text());
      json.writeFieldName("logprob");
      Json.writeLogprob(json, token.logprob());
      json.writeEndObject();
    }
    json.writeEndArray();
  }
}
