package dev.lorax.router.http;

/**
 * Reads a JSON object that comes character by character and tells what each field has, as it is
 * written. It finds where values end and does not check them. Confined to one text.
 */
final class ObjectReader {
  private enum State {
    BEFORE,
    BETWEEN,
    KEY,
    COLON,
    VALUE,
    AFTER,
    BROKEN
  }

  /** Hears of the fields in their order. */
  interface Fields {
    /** A character of a field's value; none of the spaces between its parts. */
    void character(String key, char c);

    /** The value is complete. */
    void ended(String key);
  }

  private final Fields fields;
  private final StringBuilder key = new StringBuilder();
  private State state = State.BEFORE;
  private String field = "";
  private StringDecoder keyDecoder = new StringDecoder(key);
  private int depth;
  private boolean begun;
  private boolean inString;
  private boolean escaped;

  ObjectReader(Fields fields) {
    this.fields = fields;
  }

  /** Whether the object has ended. */
  boolean complete() {
    return state == State.AFTER;
  }

  /** Whether this is no object. */
  boolean broken() {
    return state == State.BROKEN;
  }

  void next(char c) {
    switch (state) {
      case BEFORE -> state = c == '{' ? State.BETWEEN : isSpace(c) ? state : State.BROKEN;
      case BETWEEN -> between(c);
      case KEY -> {
        keyDecoder.next(c);
        if (keyDecoder.complete()) {
          field = key.toString();
          state = State.COLON;
        }
      }
      case COLON -> {
        if (c == ':') {
          begun = false;
          state = State.VALUE;
        } else if (!isSpace(c)) {
          state = State.BROKEN;
        }
      }
      case VALUE -> value(c);
      case AFTER, BROKEN -> {}
    }
  }

  private void between(char c) {
    if (c == '"') {
      key.setLength(0);
      keyDecoder = new StringDecoder(key);
      keyDecoder.next(c);
      state = State.KEY;
    } else if (c == '}') {
      state = State.AFTER;
    } else if (c != ',' && !isSpace(c)) {
      state = State.BROKEN;
    }
  }

  private void value(char c) {
    if (inString) {
      fields.character(field, c);
      if (escaped) {
        escaped = false;
      } else if (c == '\\') {
        escaped = true;
      } else if (c == '"') {
        inString = false;
        endIfWhole();
      }
      return;
    }
    boolean closes = c == '}' || c == ']';
    if (depth == 0 && (closes || c == ',' || (begun && isSpace(c)))) {
      // A number or a word has ended with the character before.
      end();
      between(c);
      return;
    }
    if (isSpace(c)) {
      return;
    }
    begun = true;
    inString = c == '"';
    depth += c == '{' || c == '[' ? 1 : closes ? -1 : 0;
    fields.character(field, c);
    if (closes) {
      endIfWhole();
    }
  }

  private void endIfWhole() {
    if (depth == 0) {
      end();
    }
  }

  private void end() {
    state = State.BETWEEN;
    fields.ended(field);
  }

  private static boolean isSpace(char c) {
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
  }
}
