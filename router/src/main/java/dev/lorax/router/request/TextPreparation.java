package dev.lorax.router.request;

import dev.lorax.router.adapter.AdapterKey;
import dev.lorax.router.encoding.EncodingTask;
import dev.lorax.router.generation.Prompt;
import dev.lorax.router.generation.Rejection;
import dev.lorax.router.tokenizer.TextToken;
import java.util.List;

/** Outcome of checking and tokenising texts. */
public sealed interface TextPreparation {
  /** Ready for the encoding loop, in the client's order. */
  record Prepared(EncodingTask task, List<PreparedText> texts, AdapterKey adapter)
      implements TextPreparation {
    public Prepared {
      texts = List.copyOf(texts);
    }

    public int tokens() {
      return texts.stream().mapToInt(text -> text.prompt().length()).sum();
    }
  }

  /**
   * A text and its tokens.
   *
   * @param tokens with their places in the text; none unless the text is to be classified
   */
  record PreparedText(Prompt prompt, List<TextToken> tokens) {
    public PreparedText {
      tokens = List.copyOf(tokens);
    }
  }

  record Refused(Rejection rejection) implements TextPreparation {}
}
