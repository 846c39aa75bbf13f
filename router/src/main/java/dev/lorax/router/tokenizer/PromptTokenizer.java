package dev.lorax.router.tokenizer;

import ai.djl.huggingface.tokenizers.jni.CharSpan;
import ai.djl.huggingface.tokenizers.jni.TokenizersLibrary;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.LongFunction;
import org.jspecify.annotations.Nullable;

/**
 * The model's own tokenizer, encoding only: the shards return text. Thread-safe.
 *
 * <p>Stands on the native functions alone: the library's classes around them copy everything that
 * an encoding has, words and masks too, where a prompt needs its ids.
 */
public final class PromptTokenizer implements AutoCloseable {
  private static final TokenizersLibrary LIBRARY = TokenizersLibrary.LIB;

  /** Many encode; but nobody while the tokenizer is freed. */
  private final ReadWriteLock lock = new ReentrantReadWriteLock();

  private final long tokenizer;
  private boolean closed;

  private PromptTokenizer(long tokenizer) {
    this.tokenizer = tokenizer;
  }

  /** Reads {@code tokenizer.json} of a model directory. */
  public static PromptTokenizer load(Path modelDirectory, Machine machine) throws IOException {
    Path file = modelDirectory.resolve("tokenizer.json");
    if (!Files.isRegularFile(file)) {
      throw new IOException("no tokenizer at " + file);
    }
    NativeLibrary.load(machine);
    long tokenizer = LIBRARY.createTokenizerFromString(Files.readString(file));
    // The file may ask for them, and they would make every length wrong.
    LIBRARY.disableTruncation(tokenizer);
    LIBRARY.disablePadding(tokenizer);
    return new PromptTokenizer(tokenizer);
  }

  /**
   * Token ids of the text, with the special tokens that the model wants around a prompt if asked.
   */
  public int[] encode(String text, boolean addSpecialTokens) {
    return ids(encoded(text, addSpecialTokens, LIBRARY::getTokenIds));
  }

  /** Tokens of the text with their places in it, counted in code points. */
  public List<TextToken> tokens(String text, boolean addSpecialTokens) {
    return encoded(
        text,
        addSpecialTokens,
        encoding ->
            tokens(text, ids(LIBRARY.getTokenIds(encoding)), LIBRARY.getTokenCharSpans(encoding)));
  }

  private <T> T encoded(String text, boolean addSpecialTokens, LongFunction<T> reading) {
    lock.readLock().lock();
    try {
      if (closed) {
        throw new IllegalStateException("the tokenizer is closed");
      }
      long encoding = LIBRARY.encode(tokenizer, text, addSpecialTokens);
      try {
        return reading.apply(encoding);
      } finally {
        LIBRARY.deleteEncoding(encoding);
      }
    } finally {
      lock.readLock().unlock();
    }
  }

  private static int[] ids(long[] wide) {
    var ids = new int[wide.length];
    for (int i = 0; i < wide.length; i++) {
      ids[i] = Math.toIntExact(wide[i]);
    }
    return ids;
  }

  private static List<TextToken> tokens(String text, int[] ids, @Nullable CharSpan[] spans) {
    int[] codePoints = text.codePoints().toArray();
    var tokens = new ArrayList<TextToken>(ids.length);
    for (int i = 0; i < ids.length; i++) {
      @Nullable CharSpan span = spans[i];
      int start = span == null ? 0 : span.getStart();
      int stop = span == null ? 0 : span.getEnd();
      String part = new String(codePoints, start, stop - start);
      tokens.add(new TextToken(ids[i], part, start, stop));
    }
    return tokens;
  }

  @Override
  public void close() {
    lock.writeLock().lock();
    try {
      if (!closed) {
        closed = true;
        LIBRARY.deleteTokenizer(tokenizer);
      }
    } finally {
      lock.writeLock().unlock();
    }
  }
}
