package dev.lorax.router.http;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.lorax.router.generation.Token;
import dev.lorax.router.generation.Token.AlternativeToken;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Log-probabilities as an OpenAI request asks for them.
 *
 * @param wanted whether at all
 * @param top how many other candidates to name for each token
 */
record OpenAiLogprobs(boolean wanted, int top) {
  /** OpenAI's own bounds. */
  private static final int MOST_IN_CHATS = 20;

  private static final int MOST_IN_COMPLETIONS = 5;

  /** Candidates to ask the shards for, or null for none. */
  @Nullable Integer alternatives() {
    return top == 0 ? null : top;
  }

  static OpenAiLogprobs ofChat(JsonFields fields) throws FieldException {
    boolean wanted = fields.flag("logprobs");
    Integer top = fields.unsigned("top_logprobs");
    if (top != null && !wanted) {
      throw new FieldException("`top_logprobs`: needs `logprobs` to be true");
    }
    return new OpenAiLogprobs(wanted, within(MOST_IN_CHATS, "top_logprobs", top));
  }

  static OpenAiLogprobs ofCompletion(JsonFields fields) throws FieldException {
    Integer top = fields.unsigned("logprobs");
    return new OpenAiLogprobs(top != null, within(MOST_IN_COMPLETIONS, "logprobs", top));
  }

  private static int within(int most, String name, @Nullable Integer value) throws FieldException {
    if (value != null && value > most) {
      throw new FieldException(name, "at most " + most, value.toString());
    }
    return value == null ? 0 : value;
  }

  /** The field {@code logprobs} of a choice of a chat; null unless it was asked for. */
  void writeOfChat(JsonGenerator json, List<Token> tokens) throws IOException {
    if (!wanted || tokens.isEmpty()) {
      json.writeNullField("logprobs");
      return;
    }
    json.writeObjectFieldStart("logprobs");
    json.writeArrayFieldStart("content");
    for (Token token : tokens) {
      json.writeStartObject();
      writeCandidate(json, token.text(), token.logprob());
      json.writeArrayFieldStart("top_logprobs");
      for (AlternativeToken other : token.alternatives()) {
        json.writeStartObject();
        writeCandidate(json, other.text(), other.logprob());
        json.writeEndObject();
      }
      json.writeEndArray();
      json.writeEndObject();
    }
    json.writeEndArray();
    json.writeNullField("refusal");
    json.writeEndObject();
  }

  /**
   * The field {@code logprobs} of a choice of a completion; null unless it was asked for.
   *
   * @param offset characters of the choice's text before the first of the tokens
   */
  void writeOfCompletion(JsonGenerator json, List<Token> tokens, int offset) throws IOException {
    if (!wanted || tokens.isEmpty()) {
      json.writeNullField("logprobs");
      return;
    }
    json.writeObjectFieldStart("logprobs");
    json.writeArrayFieldStart("tokens");
    for (Token token : tokens) {
      json.writeString(token.text());
    }
    json.writeEndArray();
    json.writeArrayFieldStart("token_logprobs");
    for (Token token : tokens) {
      Json.writeLogprob(json, token.logprob());
    }
    json.writeEndArray();
    json.writeArrayFieldStart("top_logprobs");
    for (Token token : tokens) {
      writeByText(json, token.alternatives());
    }
    json.writeEndArray();
    json.writeArrayFieldStart("text_offset");
    int place = offset;
    for (Token token : tokens) {
      json.writeNumber(place);
      place += token.text().codePointCount(0, token.text().length());
    }
    json.writeEndArray();
    json.writeEndObject();
  }

  /** Those of the tokens that make up the text, without what was cut from its end. */
  static List<Token> within(String text, List<Token> tokens) {
    var shown = new ArrayList<Token>();
    int length = 0;
    for (Token token : tokens) {
      if (!token.special() && length < text.length()) {
        shown.add(token);
        length += token.text().length();
      }
    }
    return shown;
  }

  private static void writeCandidate(JsonGenerator json, String text, float logprob)
      throws IOException {
    json.writeStringField("token", text);
    json.writeFieldName("logprob");
    Json.writeLogprob(json, logprob);
    json.writeArrayFieldStart("bytes");
    for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
      json.writeNumber(Byte.toUnsignedInt(b));
    }
    json.writeEndArray();
  }

  /** An object has one value for each key; of tokens with the same text the likelier one stays. */
  private static void writeByText(JsonGenerator json, List<AlternativeToken> alternatives)
      throws IOException {
    Map<String, Float> byText = new LinkedHashMap<>();
    for (AlternativeToken other : alternatives) {
      byText.merge(other.text(), other.logprob(), Math::max);
    }
    json.writeStartObject();
    for (Map.Entry<String, Float> other : byText.entrySet()) {
      json.writeFieldName(other.getKey());
      Json.writeLogprob(json, other.getValue());
    }
    json.writeEndObject();
  }
}
