package dev.lorax.router.http;

import com.fasterxml.jackson.databind.JsonNode;
import dev.lorax.router.generation.ChatTemplate;
import dev.lorax.router.generation.ChatTemplate.Rendering;
import dev.lorax.router.generation.Rejection;
import dev.lorax.router.http.Question.Reading;
import java.time.InstantSource;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/** OpenAI's chat endpoint. */
record ChatDialect(String baseModel, ChatTemplate template, Executor workers, InstantSource clock)
    implements Dialect {

  @Override
  public CompletionStage<Reading> read(JsonNode body, @Nullable String bearer) {
    JsonFields fields;
    try {
      fields = JsonFields.of(body);
      check(fields);
      // Everything is read once before the shard is asked to render.
      question(fields, "", bearer);
    } catch (FieldException e) {
      return CompletableFuture.completedStage(refused(e));
    }
    return template
        .render(fields.raw("messages").toString())
        .thenApplyAsync(rendering -> read(fields, rendering, bearer), workers);
  }

  @Override
  public ErrorFormat errors() {
    return ErrorFormat.OPENAI;
  }

  @Override
  public boolean failsInsideStream() {
    return false;
  }

  private Reading read(JsonFields fields, Rendering rendering, @Nullable String bearer) {
    try {
      return switch (rendering) {
        case Rendering.Refused refused -> new Reading.Refused(refused.rejection());
        case Rendering.Rendered rendered ->
            new Reading.Read(question(fields, rendered.prompt(), bearer));
      };
    } catch (FieldException e) {
      return refused(e);
    }
  }

  private ChatQuestion question(JsonFields fields, String prompt, @Nullable String bearer)
      throws FieldException {
    var reader = new OpenAiRequestReader(baseModel, fields);
    var logprobs = OpenAiLogprobs.ofChat(fields);
    var call = reader.call(prompt, false, logprobs, bearer);
    var head =
        new OpenAiAnswer(
            "chatcmpl-" + UUID.randomUUID(),
            clock.instant().getEpochSecond(),
            reader.model(),
            call.length().stop());
    return new ChatQuestion(call, head, logprobs, reader.includeUsage());
  }

  /** What is not supported is refused rather than silently left out. */
  private static void check(JsonFields fields) throws FieldException {
    JsonNode messages = fields.raw("messages");
    if (!messages.isArray() || messages.isEmpty()) {
      throw new FieldException("`messages`: expected a non-empty array");
    }
    for (JsonNode message : messages) {
      JsonFields.of(message).requiredText("role");
    }
    if (!fields.raw("tools").isMissingNode() && !fields.raw("tools").isEmpty()) {
      throw new FieldException("`tools`: tool calls are not supported");
    }
  }

  private static Reading refused(FieldException e) {
    return new Reading.Refused(new Rejection(Rejection.Kind.ILL_TYPED, e.problem()));
  }
}
