package dev.lorax.router.http;

import dev.lorax.router.generation.FinishReason;
import dev.lorax.router.generation.GeneratedText;
import dev.lorax.router.generation.Generation;
import dev.lorax.router.generation.Token;
import dev.lorax.router.http.ChoiceChunks.ChoiceBody;
import io.vertx.core.buffer.Buffer;
import java.util.List;

/**
 * A choice of a chat with tools: words as they come, or a call, whose name comes as soon as it is
 * known and whose arguments follow in pieces.
 */
final class ToolStream implements ChoiceStream {
  private final ChoiceChunks chunks;
  private final StopText stopText;
  private final CallReader reader = new CallReader();
  private boolean started;
  private boolean named;

  ToolStream(ChoiceChunks chunks) {
    this.chunks = chunks;
    this.stopText = new StopText(chunks.answer().stops());
  }

  @Override
  public void append(Generation generation, Buffer events) {
    if (!started) {
      started = true;
      chunks.open(events);
    }
    for (Token token : generation.tokens()) {
      if (!token.special()) {
        reader.add(stopText.add(token.text()));
      }
    }
    GeneratedText end = generation.end();
    if (end != null) {
      reader.add(stopText.finish(end.finishReason() == FinishReason.STOP_SEQUENCE));
      reader.finish();
    }
    tell(events);
    if (end != null) {
      chunks.close(reader.finishReason(OpenAiAnswer.finishReason(end.finishReason())), events);
    }
  }

  private void tell(Buffer events) {
    String words = reader.takeWords();
    if (!words.isEmpty()) {
      chunks.text(words, List.of(), events);
    }
    String tool = reader.tool();
    if (tool == null) {
      return;
    }
    String arguments = reader.takeArguments();
    if (!named) {
      named = true;
      delta(json -> ToolCall.writeBeginning(json, 0, tool, arguments), events);
    } else if (!arguments.isEmpty()) {
      delta(json -> ToolCall.writeMore(json, 0, arguments), events);
    }
  }

  private void delta(ChoiceBody call, Buffer events) {
    chunks.add(
        json -> {
          json.writeObjectFieldStart("delta");
          call.write(json);
          json.writeEndObject();
        },
        List.of(),
        null,
        events);
  }
}
