package dev.lorax.router.http;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.lorax.router.request.Collector.Outcome;
import dev.lorax.router.request.Completion.Completed;
import dev.lorax.router.request.GenerateCall;
import dev.lorax.router.request.Preparation.Prepared;
import io.vertx.core.buffer.Buffer;
import java.io.IOException;

/**
 * A request to OpenAI's older completions endpoint.
 *
 * @param echo whether the prompt comes back in front of the text
 */
record CompletionsQuestion(GenerateCall call, OpenAiAnswer head, boolean includeUsage, boolean echo)
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
    return new OpenAiStream(head, prepared, includeUsage, new Shape(echo ? call.inputs() : ""));
  }

  private void writeChoice(JsonGenerator json, int index, Completed sequence) throws IOException {
    json.writeStartObject();
    json.writeNumberField("index", index);
    json.writeStringField("text", (echo ? call.inputs() : "") + head.text(sequence.text()));
    json.writeNullField("logprobs");
    json.writeStringField(
        "finish_reason", OpenAiAnswer.finishReason(sequence.text().finishReason()));
    json.writeEndObject();
  }

  private record Shape(String echoed) implements OpenAiStream.Shape {
    private static final String OBJECT = "text_completion";

    @Override
    public String object() {
      return OBJECT;
    }

    @Override
    public void opening(OpenAiStream stream, Buffer events) {
      if (!echoed.isEmpty()) {
        stream.chunk(json -> text(json, echoed), null, events);
      }
    }

    @Override
    public void text(JsonGenerator json, String text) throws IOException {
      json.writeStringField("text", text);
    }

    @Override
    public void closing(JsonGenerator json) throws IOException {
      json.writeStringField("text", "");
    }
  }
}
