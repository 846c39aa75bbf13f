package dev.lorax.router.http;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.lorax.router.generation.GeneratedText;
import dev.lorax.router.generation.Generation;
import dev.lorax.router.generation.Token;
import dev.lorax.router.request.Collector.Outcome;
import dev.lorax.router.request.Completion.Completed;
import dev.lorax.router.request.GenerateCall;
import dev.lorax.router.request.Preparation.Prepared;
import io.vertx.core.buffer.Buffer;
import java.io.IOException;
import java.util.Iterator;
import org.jspecify.annotations.Nullable;

/**
 * A request to one of upstream's own endpoints.
 *
 * @param inArray whether the whole answer is the one element of an array
 */
record NativeQuestion(GenerateCall call, boolean inArray) implements Question {
  @Override
  public Buffer answer(Prepared prepared, Outcome.Done done) {
    Completed best = done.best();
    Buffer object =
        Json.write(json -> {
          json.writeStringField("generated_text", text(best.text()));
          if (call.output().details() || call.output().prefillDetails()) {
            writeDetails(json, prepared, done);
          }
        });
    return inArray ? Buffer.buffer("[").appendBuffer(object).appendString("]") : object;
  }

  @Override
  public StreamFormat stream(Prepared prepared) {
    return new NativeStream(prepared);
  }

  private final class NativeStream implements StreamFormat {
    private final Prepared prepared;
    private final TokenEvent tokenEvent = new TokenEvent();

    NativeStream(Prepared prepared) {
      this.prepared = prepared;
    }

    @Override
    public void append(int sequence, Generation generation, Buffer events) {
      for (Iterator<Token> tokens = generation.tokens().iterator(); tokens.hasNext(); ) {
        Token token = tokens.next();
        // The end belongs to the last token of the step.
        GeneratedText end = tokens.hasNext() ? null : generation.end();
        if (end == null && token.alternatives().isEmpty()) {
          tokenEvent.append(token, events);
        } else {
          StreamFormat.event(event(prepared, token, end), events);
        }
      }
    }

    /** The last token is the end. */
    @Override
    public void end(Buffer events) {}
  }

  private Buffer event(Prepared prepared, Token token, @Nullable GeneratedText end) {
    return Json.write(json -> {
      json.writeFieldName("token");
      NativeTokens.write(json, token);
      if (end == null) {
        json.writeNullField("generated_text");
        json.writeNullField("details");
        return;
      }
      json.writeStringField("generated_text", text(end));
      if (!call.output().details()) {
        json.writeNullField("details");
        return;
      }
      json.writeObjectFieldStart("details");
      json.writeStringField("finish_reason", end.finishReason().label());
      json.writeNumberField("prompt_tokens", prepared.promptTokens());
      json.writeNumberField("generated_tokens", end.generatedTokens());
      NativeTokens.writeSeed(json, end);
      json.writeEndObject();
    });
  }

  private void writeDetails(JsonGenerator json, Prepared prepared, Outcome.Done done)
      throws IOException {
    Completed best = done.best();
    json.writeObjectFieldStart("details");
    json.writeStringField("finish_reason", best.text().finishReason().label());
    json.writeNumberField("prompt_tokens", prepared.promptTokens());
    json.writeNumberField("generated_tokens", best.text().generatedTokens());
    json.writeNumberField("skipped_tokens", best.text().skippedTokens());
    NativeTokens.writeSeed(json, best.text());
    NativeTokens.writePrefill(json, best.prefillTokens());
    NativeTokens.writeTokens(json, best.tokens());
    if (done.sequences().size() > 1) {
      json.writeArrayFieldStart("best_of_sequences");
      for (Completed other : done.sequences().subList(1, done.sequences().size())) {
        writeSequence(json, other);
      }
      json.writeEndArray();
    }
    json.writeEndObject();
  }

  private void writeSequence(JsonGenerator json, Completed sequence) throws IOException {
    json.writeStartObject();
    json.writeStringField("generated_text", text(sequence.text()));
    json.writeStringField("finish_reason", sequence.text().finishReason().label());
    json.writeNumberField("generated_tokens", sequence.text().generatedTokens());
    NativeTokens.writeSeed(json, sequence.text());
    NativeTokens.writePrefill(json, sequence.prefillTokens());
    NativeTokens.writeTokens(json, sequence.tokens());
    json.writeEndObject();
  }

  private String text(GeneratedText text) {
    return call.output().fullText() ? call.inputs() + text.text() : text.text();
  }
}
