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
    String messages;
    Tools tools;
    try {
      fields = JsonFields.of(body);
      messages = ChatMessages.forTemplate(fields);
      tools = Tools.of(fields);
      // Everything is read once before the shard is asked to render.
      question(fields, tools, "", bearer);
    } catch (FieldException e) {
      return CompletableFuture.completedStage(refused(e));
    }
    return template
        .render(messages, tools == null ? "" : tools.json())
        .thenApplyAsync(rendering -> read(fields, tools, rendering, bearer), workers);
  }

  @Override
  public ErrorFormat errors() {
    return ErrorFormat.OPENAI;
  }

  @Override
  public boolean failsInsideStream() {
    return false;
  }

  private Reading read(
      JsonFields fields, @Nullable Tools tools, Rendering rendering, @Nullable String bearer) {
    try {
      return switch (rendering) {
        case Rendering.Refused refused -> new Reading.Refused(refused.rejection());
        case Rendering.Rendered rendered ->
            new Reading.Read(question(fields, tools, rendered.prompt(), bearer));
      };
    } catch (FieldException e) {
      return refused(e);
    }
  }

  private ChatQuestion question(
      JsonFields fields, @Nullable Tools tools, String prompt, @Nullable String bearer)
      throws FieldException {
    var reader = new OpenAiRequestReader(baseModel, fields);
    var logprobs = OpenAiLogprobs.ofChat(fields);
    if (tools != null && logprobs.wanted()) {
      throw new FieldException("`logprobs` and `tools` are mutually exclusive");
    }
    String schema = tools == null ? NativeRequestReader.schema(fields) : tools.schema();
    var call = reader.call(prompt, false, schema, logprobs, bearer);
    var head =
        new OpenAiAnswer(
            "chatcmpl-" + UUID.randomUUID(),
            clock.instant().getEpochSecond(),
            reader.model(),
            call.length().stop());
    return new ChatQuestion(call, head, logprobs, reader.includeUsage(), tools != null);
  }

  private static Reading refused(FieldException e) {
    return new Reading.Refused(new Rejection(Rejection.Kind.ILL_TYPED, e.problem()));
  }
}
