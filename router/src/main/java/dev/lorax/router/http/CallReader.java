package dev.lorax.router.http;

import org.jspecify.annotations.Nullable;

/**
 * Reads the answer of a model that was bound to the schema of {@link Tools} while it is written,
 * cut anywhere: the call of a tool, or words. An answer that names no tool is words as it stands.
 * Confined to one answer.
 */
final class CallReader {
  private static final String NAME = "name";
  private static final String ARGUMENTS = "arguments";
  private static final String CONTENT = "content";

  private final StringBuilder undecided = new StringBuilder();
  private final StringBuilder name = new StringBuilder();
  private final StringBuilder arguments = new StringBuilder();
  private final StringBuilder words = new StringBuilder();
  private final StringDecoder nameDecoder = new StringDecoder(name);
  private final ObjectReader call = new ObjectReader(new CallFields());
  private final StringDecoder content = new StringDecoder(words);
  private final ObjectReader answer = new ObjectReader(new WordsFields());
  private Kind kind = Kind.UNDECIDED;
  private boolean finished;

  private enum Kind {
    UNDECIDED,
    /** The call of a tool. */
    CALL,
    /** Words, in the form of a call of {@link Tools#NO_TOOL}. */
    WORDS,
    /** Whatever it says. */
    TEXT
  }

  /** Takes more of the answer. */
  void add(String text) {
    for (int i = 0; i < text.length(); i++) {
      next(text.charAt(i));
    }
  }

  private void next(char c) {
    if (kind == Kind.TEXT) {
      words.append(c);
      return;
    }
    if (kind == Kind.UNDECIDED) {
      undecided.append(c);
    }
    call.next(c);
    if (kind == Kind.UNDECIDED && (call.broken() || call.complete())) {
      becomeText();
    }
  }

  /** Nothing more comes. */
  void finish() {
    finished = true;
    if (kind == Kind.UNDECIDED) {
      becomeText();
    }
  }

  private void becomeText() {
    kind = Kind.TEXT;
    words.append(undecided);
  }

  /** The tool that is called, once it is known; null if none is. */
  @Nullable String tool() {
    return kind == Kind.CALL ? wellFormed(name.toString()) : null;
  }

  /**
   * OpenAI's reason for the end: a call that was not cut is one.
   *
   * @param otherwise that of an answer in words
   */
  String finishReason(String otherwise) {
    boolean cut = !call.complete() && otherwise.equals(OpenAiAnswer.CUT);
    return kind == Kind.CALL && !cut ? "tool_calls" : otherwise;
  }

  /** What has been read of the arguments since this was asked last: JSON without spaces. */
  String takeArguments() {
    return kind == Kind.CALL ? take(arguments, arguments.length()) : "";
  }

  /** What has been read of the words since this was asked last, in whole characters. */
  String takeWords() {
    int length = words.length();
    boolean half = !finished && length > 0 && Character.isHighSurrogate(words.charAt(length - 1));
    return wellFormed(take(words, half ? length - 1 : length));
  }

  private static String take(StringBuilder from, int length) {
    String taken = from.substring(0, length);
    from.delete(0, length);
    return taken;
  }

  /** Escapes can name halves of characters, which no UTF-8 can hold. */
  private static String wellFormed(String text) {
    StringBuilder mended = null;
    for (int i = 0; i < text.length(); i++) {
      if (Character.isHighSurrogate(text.charAt(i))
          && i + 1 < text.length()
          && Character.isLowSurrogate(text.charAt(i + 1))) {
        i++;
      } else if (Character.isSurrogate(text.charAt(i))) {
        mended = mended == null ? new StringBuilder(text) : mended;
        mended.setCharAt(i, '\uFFFD');
      }
    }
    return mended == null ? text : mended.toString();
  }

  /** What the call has, whichever of its fields comes first. */
  private final class CallFields implements ObjectReader.Fields {
    private boolean named;
    private boolean argued;

    @Override
    public void character(String key, char c) {
      if (key.equals(NAME) && !named) {
        nameDecoder.next(c);
      } else if (key.equals(ARGUMENTS) && !argued) {
        argument(c);
      }
    }

    @Override
    public void ended(String key) {
      if (key.equals(NAME) && !named) {
        named = true;
        decide();
      } else if (key.equals(ARGUMENTS)) {
        argued = true;
      }
    }

    private void argument(char c) {
      if (kind == Kind.WORDS) {
        answer.next(c);
      } else {
        arguments.append(c);
      }
    }

    private void decide() {
      // What is no string is no name.
      if (name.isEmpty()) {
        return;
      }
      kind = name.toString().equals(Tools.NO_TOOL) ? Kind.WORDS : Kind.CALL;
      undecided.setLength(0);
      if (kind == Kind.WORDS) {
        for (int i = 0; i < arguments.length(); i++) {
          answer.next(arguments.charAt(i));
        }
      }
    }
  }

  private final class WordsFields implements ObjectReader.Fields {
    @Override
    public void character(String key, char c) {
      if (key.equals(CONTENT)) {
        content.next(c);
      }
    }

    @Override
    public void ended(String key) {}
  }
}
