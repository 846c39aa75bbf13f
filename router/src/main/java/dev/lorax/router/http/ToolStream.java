package dev.lorax.router.http;

import dev.lorax.router.generation.GeneratedText;
import dev.lorax.router.generation.Generation;
import io.vertx.core.buffer.Buffer;
import java.util.List;

/**
 * A choice of a chat with tools. Only the whole answer shows whether it is words or a call, so the
 * stream opens at once and the message comes in one piece.
 */
final class ToolStream implements ChoiceStream {
  private final ChoiceChunks chunks;
  private boolean started;

  ToolStream(ChoiceChunks chunks) {
    this.chunks = chunks;
  }

  @Override
  public void append(Generation generation, Buffer events) {
    if (!started) {
      started = true;
      chunks.open(events);
    }
    GeneratedText end = generation.end();
    if (end == null) {
      return;
    }
    ChatMessage message = ChatMessage.read(end.text());
    chunks.add(
        json -> {
          json.writeObjectFieldStart("delta");
          message.write(json, true);
          json.writeEndObject();
        },
        List.of(),
        null,
        events);
    chunks.close(message.finishReason(OpenAiAnswer.finishReason(end.finishReason())), events);
  }
}
