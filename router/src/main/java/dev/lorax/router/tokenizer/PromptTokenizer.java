package dev.lorax.router.tokenizer;

import ai.djl.huggingface.tokenizers.Encoding;
import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import ai.djl.huggingface.tokenizers.jni.CharSpan;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The model's own tokenizer, encoding only: the shards return text. Thread-safe. */
public final class PromptTokenizer implements AutoCloseable {
  private final HuggingFaceTokenizer tokenizer;

  private PromptTokenizer(HuggingFaceTokenizer tokenizer) {
    this.tokenizer = tokenizer;
  }

  /** Reads {@code tokenizer.json} of a model directory. */
  public static PromptTokenizer load(Path modelDirectory) throws IOException {
    Path file = modelDirectory.resolve("tokenizer.json");
    if (!Files.isRegularFile(file)) {
      throw new IOException("no tokenizer at " + file);
    }
    // Truncation and padding are on by default and would make every length wrong.
    return new PromptTokenizer(
        HuggingFaceTokenizer.builder()
            .optTokenizerPath(file)
            .optTruncation(false)
            .optPadding(false)
            .build());
  }

  /**
   * Token ids of the text, with the special tokens that the model wants around a prompt if asked.
   */
  public int[] encode(String text, boolean addSpecialTokens) {
    long[] ids = tokenizer.encode(text, addSpecialTokens, false).getIds();
    var tokenIds = new int[ids.length];
    for (int i = 0; i < ids.length; i++) {
      tokenIds[i] = Math.toIntExact(ids[i]);
    }
    return tokenIds;
  }

  /** Tokens of the text with their places in it, counted in code points. */
  public List<TextToken> tokens(String text, boolean addSpecialTokens) {
    Encoding encoding = tokenizer.encode(text, addSpecialTokens, false);
    long[] ids = encoding.getIds();
    CharSpan[] spans = encoding.getCharTokenSpans();
    int[] codePoints = text.codePoints().toArray();
    var tokens = new ArrayList<TextToken>(ids.length);
    for (int i = 0; i < ids.length; i++) {
      @Nullable CharSpan span = spans[i];
      int start = span == null ? 0 : span.getStart();
      int stop = span == null ? 0 : span.getEnd();
      String part = new String(codePoints, start, stop - start);
      tokens.add(new TextToken(Math.toIntExact(ids[i]), part, start, stop));
    }
    return tokens;
  }

  @Override
  public void close() {
    tokenizer.close();
  }
}
