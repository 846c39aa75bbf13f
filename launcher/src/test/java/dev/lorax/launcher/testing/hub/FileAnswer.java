package dev.lorax.launcher.testing.hub;

import com.sun.net.httpserver.HttpExchange;
import java.io.IOException;
import java.io.OutputStream;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Sends a file or a range of it, with or without a fault. */
final class FileAnswer {

  private static final Pattern RANGE = Pattern.compile("bytes=(\\d+)-(\\d*)");
  private static final int PIECE_BYTES = 16 << 10;
  private static final long LOOK_NANOS = TimeUnit.MILLISECONDS.toNanos(10);

  private final AtomicLong sent;
  private final AtomicLong bytesPerSecond;

  FileAnswer(AtomicLong sent, AtomicLong bytesPerSecond) {
    this.sent = sent;
    this.bytesPerSecond = bytesPerSecond;
  }

  void send(HttpExchange exchange, byte[] content, @Nullable HubFault fault) throws IOException {
    byte[] bytes = fault instanceof HubFault.Corrupt ? corrupt(content) : content;
    String asked = exchange.getRequestHeaders().getFirst("Range");
    Matcher range = RANGE.matcher(asked == null ? "" : asked);
    boolean partial = range.matches() && !(fault instanceof HubFault.IgnoreRange);
    int from = partial ? Integer.parseInt(range.group(1)) : 0;
    int to =
        partial && !range.group(2).isEmpty()
            ? Math.min(Integer.parseInt(range.group(2)) + 1, bytes.length)
            : bytes.length;
    var headers = exchange.getResponseHeaders();
    headers.set("Accept-Ranges", "bytes");
    if (from >= bytes.length && bytes.length > 0) {
      headers.set("Content-Range", "bytes */" + bytes.length);
      exchange.sendResponseHeaders(416, -1);
      return;
    }
    if (partial) {
      headers.set("Content-Range", "bytes %d-%d/%d".formatted(from, to - 1, bytes.length));
    }
    int status = partial ? 206 : 200;
    if (exchange.getRequestMethod().equals("HEAD")) {
      headers.set("Content-Length", Integer.toString(to - from));
      exchange.sendResponseHeaders(status, -1);
      return;
    }
    exchange.sendResponseHeaders(status, to == from ? -1 : to - from);
    write(exchange.getResponseBody(), bytes, from, to, fault);
  }

  private static byte[] corrupt(byte[] content) {
    byte[] wrong = content.clone();
    wrong[wrong.length / 2] ^= 1;
    return wrong;
  }

  private void write(OutputStream out, byte[] bytes, int from, int to, @Nullable HubFault fault)
      throws IOException {
    int end =
        switch (fault) {
          case HubFault.Cut(var after) -> (int) Math.min(to, from + after);
          case HubFault.Stall(var after) -> (int) Math.min(to, from + after);
          case null, default -> to;
        };
    for (int at = from; at < end; at += PIECE_BYTES) {
      int piece = Math.min(PIECE_BYTES, end - at);
      out.write(bytes, at, piece);
      out.flush();
      sent.addAndGet(piece);
      if (at + piece < end) {
        pauseAfter(piece);
      }
    }
    if (fault instanceof HubFault.Stall) {
      LockSupport.parkNanos(TimeUnit.MINUTES.toNanos(1));
    }
  }

  /** Another pace counts at once. */
  private void pauseAfter(int bytes) {
    long begin = System.nanoTime();
    while (!Thread.currentThread().isInterrupted()) {
      long pace = bytesPerSecond.get();
      long waited = System.nanoTime() - begin;
      if (pace == 0 || waited >= TimeUnit.SECONDS.toNanos(bytes) / pace) {
        return;
      }
      LockSupport.parkNanos(LOOK_NANOS);
    }
  }
}
