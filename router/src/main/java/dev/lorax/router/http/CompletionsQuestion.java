package dev.lorax.router.http;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.lorax.router.generation.Token;
import dev.lorax.router.request.Collector.Outcome;
import dev.lorax.router.request.Completion.Completed;
import dev.lorax.router.request.GenerateCall;
import dev.lorax.router.request.Preparation.Prepared;
import io.vertx.core.buffer.Buffer;
import java.io.IOException;
import java.util.List;

/**
 * A request to OpenAI's older completions endpoint.
 *
 * @param echo whether the prompt comes back in front of the text
 */
record CompletionsQuestion(
    GenerateCall call,
    OpenAiAnswer head,
    OpenAiLogprobs logprobs,
    boolean includeUsage,
    boolean echo)
    implements Question {

  @Override
  public Buffer answer(Prepared prepared, Outcome.Done done) {
    return Json.write(json -> {
      head.writeHead(json, Shape.OBJECT);
      json.writeArrayFieldStart("choices");
      for (int i = 0; i < done.sequences().size(); i++) {
        writeChoice(json, i, done.sequences().get(i));
      }
      json.writeEndArray();
      OpenAiAnswer.writeUsage(json, prepared.promptTokens(), done.sequences());
    });
  }

  @Override
  public StreamFormat stream(Prepared prepared) {
    return new OpenAiStream(
        head,
        Shape.OBJECT,
        prepared,
        includeUsage,
        index -> {
          var shape = new Shape(echoed(), logprobs);
          var chunks = new ChoiceChunks(head, shape, index, includeUsage);
          return new TextStream(chunks, logprobs.wanted());
        });
  }

  private void writeChoice(JsonGenerator json, int index, Completed sequence) throws IOException {
    json.writeStartObject();
    json.writeNumberField("index", index);
    String text = head.text(sequence.text());
    json.writeStringField("text", echoed() + text);
    int offset = echoed().codePointCount(0, echoed().length());
    logprobs.writeOfCompletion(json, OpenAiLogprobs.within(text, sequence.tokens()), offset);
    json.writeStringField(
        "finish_reason", OpenAiAnswer.finishReason(sequence.text().finishReason()));
    json.writeEndObject();
  }

  private String echoed() {
    return echo ? call.inputs() : "";
  }

  private static final class Shape implements ChoiceChunks.Shape {
    private static final String OBJECT = "text_completion";

    private final String echoed;
    private final OpenAiLogprobs logprobs;
    private int offset;

    Shape(String echoed, OpenAiLogprobs logprobs) {
      this.echoed = echoed;
      this.logprobs = logprobs;
      this.offset = echoed.codePointCount(0, echoed.length());
    }

    @Override
    public String object() {
      return OBJECT;
    }

    @Override
    public void opening(ChoiceChunks chunks, Buffer events) {
      if (!echoed.isEmpty()) {
        chunks.text(echoed, List.of(), events);
      }
    }

    @Override
    public void text(JsonGenerator json, String text) throws IOException {
      json.writeStringField("text", text);
    }

    @Override
    public void logprobs(JsonGenerator json, List<Token> tokens) throws IOException {
      logprobs.writeOfCompletion(json, tokens, offset);
      for (Token token : tokens) {
        offset += token.text().codePointCount(0, token.text().length());
      }
    }

    @Override
    public void closing(JsonGenerator json) throws IOException {
      json.writeStringField("text", "");
    }
  }
}
