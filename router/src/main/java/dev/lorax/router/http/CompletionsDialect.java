package dev.lorax.router.http;

import com.fasterxml.jackson.databind.JsonNode;
import dev.lorax.router.generation.Rejection;
import dev.lorax.router.http.Question.Reading;
import java.time.InstantSource;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/** OpenAI's older completions endpoint. */
record CompletionsDialect(String baseModel, InstantSource clock) implements Dialect {
  @Override
  public CompletionStage<Reading> read(JsonNode body, @Nullable String bearer) {
    try {
      return CompletableFuture.completedStage(new Reading.Read(question(body, bearer)));
    } catch (FieldException e) {
      return CompletableFuture.completedStage(
          new Reading.Refused(new Rejection(Rejection.Kind.ILL_TYPED, e.problem())));
    }
  }

  @Override
  public ErrorFormat errors() {
    return ErrorFormat.OPENAI;
  }

  @Override
  public boolean failsInsideStream() {
    return false;
  }

  private Question question(JsonNode body, @Nullable String bearer) throws FieldException {
    JsonFields fields = JsonFields.of(body);
    var reader = new OpenAiRequestReader(baseModel, fields);
    var logprobs = OpenAiLogprobs.ofCompletion(fields);
    String schema = NativeRequestReader.schema(fields);
    var call = reader.call(prompt(fields), true, schema, logprobs, bearer);
    var head =
        new OpenAiAnswer(
            "cmpl-" + UUID.randomUUID(),
            clock.instant().getEpochSecond(),
            reader.model(),
            call.length().stop());
    return new CompletionsQuestion(
        call, head, logprobs, reader.includeUsage(), fields.flag("echo"));
  }

  /** A text, or an array with one text. */
  private static String prompt(JsonFields fields) throws FieldException {
    JsonNode prompt = fields.raw("prompt");
    if (prompt.isArray() && prompt.size() == 1 && prompt.get(0).isTextual()) {
      return prompt.get(0).textValue();
    }
    return fields.requiredText("prompt");
  }
}
