package dev.lorax.router.http;

/**
 * Turns a JSON string that comes character by character, quotation marks included, into its text.
 * What is no string has none. Confined to one string.
 */
final class StringDecoder {
  private static final int HEX_DIGITS = 4;
  private static final int HEX = 16;

  private enum State {
    BEFORE,
    TEXT,
    ESCAPE,
    CODE,
    AFTER
  }

  private final StringBuilder text;
  private State state = State.BEFORE;
  private int code;
  private int digits;

  /**
   * @param text takes the characters; a pair of surrogates may come one by one
   */
  StringDecoder(StringBuilder text) {
    this.text = text;
  }

  /** Whether the string has ended. */
  boolean complete() {
    return state == State.AFTER;
  }

  void next(char c) {
    switch (state) {
      case BEFORE -> state = c == '"' ? State.TEXT : State.AFTER;
      case TEXT -> {
        switch (c) {
          case '"' -> state = State.AFTER;
          case '\\' -> state = State.ESCAPE;
          default -> text.append(c);
        }
      }
      case ESCAPE -> escape(c);
      case CODE -> {
        code = code * HEX + Math.max(0, Character.digit(c, HEX));
        if (++digits == HEX_DIGITS) {
          text.append((char) code);
          state = State.TEXT;
        }
      }
      case AFTER -> {}
    }
  }

  private void escape(char c) {
    state = State.TEXT;
    switch (c) {
      case 'b' -> text.append('\b');
      case 'f' -> text.append('\f');
      case 'n' -> text.append('\n');
      case 'r' -> text.append('\r');
      case 't' -> text.append('\t');
      case 'u' -> {
        state = State.CODE;
        code = 0;
        digits = 0;
      }
      default -> text.append(c);
    }
  }
}
