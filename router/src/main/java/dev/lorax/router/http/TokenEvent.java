package dev.lorax.router.http;

import dev.lorax.router.generation.Token;
import io.vertx.core.buffer.Buffer;
import java.nio.charset.StandardCharsets;

/**
 * The event of a token in the middle of upstream's stream, byte by byte. Nearly all that the router
 * writes are these; with a JSON generator for each, the generators took a third of the event loop's
 * time (JFR, 128 streams). The bytes are those that the generator would write: a property says so.
 * Confined to one event loop.
 */
final class TokenEvent {
  private static final byte[] ID = ascii("data: {\"token\":{\"id\":");
  private static final byte[] TEXT = ascii(",\"text\":\"");
  private static final byte[] LOGPROB = ascii("\",\"logprob\":");
  private static final byte[] SPECIAL = ascii(",\"special\":");
  private static final byte[] SKIPPED = ascii(",\"skipped\":");
  private static final byte[] END = ascii("},\"generated_text\":null,\"details\":null}\n\n");
  private static final byte[] TRUE = ascii("true");
  private static final byte[] FALSE = ascii("false");
  private static final byte[] NULL = ascii("null");
  private static final byte[] HEX = ascii("0123456789ABCDEF");

  private static final int TYPICAL_BYTES = 256;

  /** All names, and the longest numbers. */
  private static final int FRAME_BYTES = 192;

  /** A control character becomes six. */
  private static final int MOST_BYTES_PER_BYTE = 6;

  private byte[] bytes = new byte[TYPICAL_BYTES];
  private int length;

  /** Adds the event of a token without alternatives. */
  void append(Token token, Buffer events) {
    byte[] text = token.text().getBytes(StandardCharsets.UTF_8);
    begin(FRAME_BYTES + MOST_BYTES_PER_BYTE * text.length);
    raw(ID);
    raw(Integer.toString(token.id()));
    raw(TEXT);
    escaped(text);
    raw(LOGPROB);
    if (Float.isFinite(token.logprob())) {
      raw(Float.toString(token.logprob()));
    } else {
      raw(NULL);
    }
    raw(SPECIAL);
    raw(token.special() ? TRUE : FALSE);
    raw(SKIPPED);
    raw(token.skipped() ? TRUE : FALSE);
    raw(END);
    events.appendBytes(bytes, 0, length);
  }

  private void begin(int mostBytes) {
    length = 0;
    if (bytes.length < mostBytes) {
      bytes = new byte[mostBytes];
    }
  }

  private void raw(byte[] ascii) {
    System.arraycopy(ascii, 0, bytes, length, ascii.length);
    length += ascii.length;
  }

  private void raw(String ascii) {
    for (int i = 0; i < ascii.length(); i++) {
      bytes[length++] = (byte) ascii.charAt(i);
    }
  }

  /** Only ASCII is ever escaped, so the bytes of other characters pass through. */
  private void escaped(byte[] utf8) {
    for (byte b : utf8) {
      if (b >= 0 && b < ' ') {
        control(b);
      } else {
        if (b == '"' || b == '\\') {
          bytes[length++] = '\\';
        }
        bytes[length++] = b;
      }
    }
  }

  private void control(byte b) {
    bytes[length++] = '\\';
    switch (b) {
      case '\b' -> bytes[length++] = 'b';
      case '\t' -> bytes[length++] = 't';
      case '\n' -> bytes[length++] = 'n';
      case '\f' -> bytes[length++] = 'f';
      case '\r' -> bytes[length++] = 'r';
      default -> {
        bytes[length++] = 'u';
        bytes[length++] = '0';
        bytes[length++] = '0';
        bytes[length++] = HEX[b >> 4];
        bytes[length++] = HEX[b & 15];
      }
    }
  }

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }
}
