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
 * A request to OpenAI's chat endpoint.
 *
 * @param hasTools whether the answer is bound to the schema of tools
 */
record ChatQuestion(
    GenerateCall call,
    OpenAiAnswer head,
    OpenAiLogprobs logprobs,
    boolean includeUsage,
    boolean hasTools)
    implements Question {

  @Override
  public Buffer answer(Prepared prepared, Outcome.Done done) {
    return Json.write(json -> {
      head.writeHead(json, "chat.completion");
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
    var shape = new ChatShape(logprobs);
    return new OpenAiStream(
        head,
        shape.object(),
        prepared,
        includeUsage,
        index -> {
          var chunks = new ChoiceChunks(head, shape, index, includeUsage);
          return hasTools ? new ToolStream(chunks) : new TextStream(chunks, logprobs.wanted());
        });
  }

  private void writeChoice(JsonGenerator json, int index, Completed sequence) throws IOException {
    json.writeStartObject();
    json.writeNumberField("index", index);
    json.writeObjectFieldStart("message");
    json.writeStringField("role", "assistant");
    String text = head.text(sequence.text());
    String reason = OpenAiAnswer.finishReason(sequence.text().finishReason());
    ChatMessage message =
        hasTools ? ChatMessage.read(text, reason) : ChatMessage.words(text, reason);
    message.write(json);
    json.writeNullField("refusal");
    json.writeEndObject();
    logprobs.writeOfChat(json, OpenAiLogprobs.within(text, sequence.tokens()));
    json.writeStringField("finish_reason", message.finishReason());
    json.writeEndObject();
  }

  private record ChatShape(OpenAiLogprobs logprobs) implements ChoiceChunks.Shape {
    @Override
    public String object() {
      return "chat.completion.chunk";
    }

    @Override
    public void opening(ChoiceChunks chunks, Buffer events) {
      chunks.add(
          json -> {
            json.writeObjectFieldStart("delta");
            json.writeStringField("role", "assistant");
            json.writeStringField("content", "");
            json.writeEndObject();
          },
          List.of(),
          null,
          events);
    }

    @Override
    public void text(JsonGenerator json, String text) throws IOException {
      json.writeObjectFieldStart("delta");
      json.writeStringField("content", text);
      json.writeEndObject();
    }

    @Override
    public void logprobs(JsonGenerator json, List<Token> tokens) throws IOException {
      logprobs.writeOfChat(json, tokens);
    }

    @Override
    public void closing(JsonGenerator json) throws IOException {
      json.writeObjectFieldStart("delta");
      json.writeEndObject();
    }
  }
}
