package dev.lorax.router;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/**
 * An answer as it came over the wire.
 *
 * @param closes whether the connection ends with it
 */
record RawAnswer(int status, boolean closes, String body) {
  private static final int HEX = 16;

  /** Reads one answer of HTTP/1.1; the stream stands behind it then. */
  static RawAnswer read(BufferedInputStream input) throws IOException {
    String statusLine = line(input);
    int status = Integer.parseInt(statusLine.substring(9, 12));
    int length = 0;
    boolean chunked = false;
    boolean closes = false;
    for (String header = line(input); !header.isEmpty(); header = line(input)) {
      String lower = header.toLowerCase(Locale.ROOT);
      if (lower.startsWith("content-length:")) {
        length = Integer.parseInt(lower.substring(15).strip());
      }
      chunked |= lower.equals("transfer-encoding: chunked");
      closes |= lower.equals("connection: close");
    }
    var body = new ByteArrayOutputStream();
    if (chunked) {
      for (int size = size(input); ; size = size(input)) {
        body.write(exactly(input, size));
        line(input);
        if (size == 0) {
          break;
        }
      }
    } else {
      body.write(exactly(input, length));
    }
    return new RawAnswer(status, closes, body.toString(StandardCharsets.UTF_8));
  }

  private static int size(InputStream input) throws IOException {
    return Integer.parseInt(line(input), HEX);
  }

  private static byte[] exactly(InputStream input, int length) throws IOException {
    byte[] bytes = input.readNBytes(length);
    if (bytes.length < length) {
      throw new EOFException("expected %d bytes, got %d".formatted(length, bytes.length));
    }
    return bytes;
  }

  private static String line(InputStream input) throws IOException {
    var line = new ByteArrayOutputStream();
    for (int b = input.read(); b != '\n'; b = input.read()) {
      if (b < 0) {
        throw new EOFException("the connection ended in a line");
      }
      line.write(b);
    }
    return line.toString(StandardCharsets.UTF_8).stripTrailing();
  }
}
