package dev.lorax.router.http;

import dev.lorax.router.generation.FinishReason;
import dev.lorax.router.generation.GeneratedText;
import dev.lorax.router.generation.Generation;
import dev.lorax.router.generation.Token;
import io.vertx.core.buffer.Buffer;
import java.util.ArrayList;
import java.util.List;

/** A choice that is text: pieces of it, then the finish reason. */
final class TextStream implements ChoiceStream {
  private final ChoiceChunks chunks;
  private final boolean logprobs;
  private final StopText stopText;
  private final List<Token> untold = new ArrayList<>();
  private boolean started;

  /**
   * @param logprobs whether each chunk tells the log-probabilities of its tokens
   */
  TextStream(ChoiceChunks chunks, boolean logprobs) {
    this.chunks = chunks;
    this.logprobs = logprobs;
    this.stopText = new StopText(chunks.answer().stops());
  }

  @Override
  public void append(Generation generation, Buffer events) {
    if (!started) {
      started = true;
      chunks.open(events);
    }
    for (Token token : generation.tokens()) {
      // Special tokens are marks for machines, not text.
      if (!token.special()) {
        if (logprobs) {
          untold.add(token);
        }
        add(stopText.add(token.text()), events);
      }
    }
    GeneratedText end = generation.end();
    if (end != null) {
      add(stopText.finish(end.finishReason() == FinishReason.STOP_SEQUENCE), events);
      chunks.close(OpenAiAnswer.finishReason(end.finishReason()), events);
    }
  }

  private void add(String text, Buffer events) {
    if (!text.isEmpty()) {
      chunks.text(text, untold, events);
      untold.clear();
    }
  }
}
