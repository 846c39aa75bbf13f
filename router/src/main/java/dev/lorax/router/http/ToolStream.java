package dev.lorax.router.http;

import dev.lorax.router.generation.GeneratedText;
import dev.lorax.router.generation.Generation;
import io.vertx.core.buffer.Buffer;
import java.util.List;

/**
 * The events of a chat with tools. Only the whole answer shows whether it is words or a call, so
 * the stream opens at once and the message comes in one piece.
 */
record ToolStream(OpenAiStream stream) implements StreamFormat {
  @Override
  public void append(Generation generation, Buffer events) {
    stream.open(events);
    GeneratedText end = generation.end();
    if (end == null) {
      return;
    }
    ChatMessage message = ChatMessage.read(end.text());
    stream.chunk(
        json -> {
          json.writeObjectFieldStart("delta");
          message.write(json, true);
          json.writeEndObject();
        },
        List.of(),
        null,
        events);
    stream.close(end, message.finishReason(OpenAiAnswer.finishReason(end.finishReason())), events);
  }
}
