package dev.lorax.router.http;

import dev.lorax.router.generation.Generation;
import dev.lorax.router.request.Preparation.Prepared;
import io.vertx.core.buffer.Buffer;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntFunction;

/**
 * The events of an OpenAI stream: chunks of its choices as they come, usage if asked for, the end
 * mark.
 */
final class OpenAiStream implements StreamFormat {
  private final OpenAiAnswer answer;
  private final String object;
  private final int promptTokens;
  private final boolean includeUsage;
  private final List<ChoiceStream> choices = new ArrayList<>();
  private int generatedTokens;

  /**
   * @param object what a chunk is called
   * @param choice makes the choice of an index
   */
  OpenAiStream(
      OpenAiAnswer answer,
      String object,
      Prepared prepared,
      boolean includeUsage,
      IntFunction<ChoiceStream> choice) {
    this.answer = answer;
    this.object = object;
    this.promptTokens = prepared.promptTokens();
    this.includeUsage = includeUsage;
    for (int i = 0; i < prepared.sequences().size(); i++) {
      choices.add(choice.apply(i));
    }
  }

  @Override
  public void append(int sequence, Generation generation, Buffer events) {
    choices.get(sequence).append(generation, events);
    if (generation.end() != null) {
      generatedTokens += generation.end().generatedTokens();
    }
  }

  @Override
  public void end(Buffer events) {
    if (includeUsage) {
      StreamFormat.event(
          Json.write(json -> {
            answer.writeHead(json, object);
            json.writeArrayFieldStart("choices");
            json.writeEndArray();
            OpenAiAnswer.writeUsage(json, promptTokens, generatedTokens);
          }),
          events);
    }
    events.appendString("data: [DONE]\n\n");
  }
}
