package dev.lorax.router;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** A client that sends and reads bytes as it likes. */
final class RawClient implements AutoCloseable {
  private static final int SMALL_BUFFER = 4096;
  private static final int PATIENCE_MILLIS = 20_000;

  private final Socket socket = new Socket();

  private RawClient() {}

  /** Keeps the system from taking much in for it. */
  static RawClient connect(TestingRouter router) throws IOException {
    var client = new RawClient();
    client.socket.setReceiveBufferSize(SMALL_BUFFER);
    client.socket.setSoTimeout(PATIENCE_MILLIS);
    client.socket.setTcpNoDelay(true);
    client.socket.connect(new InetSocketAddress("127.0.0.1", router.uri("/").getPort()));
    return client;
  }

  /** The bytes of a request with a JSON body. */
  static String post(String path, String body) {
    int length = body.getBytes(StandardCharsets.UTF_8).length;
    return head(path, length) + body;
  }

  static String head(String path, int length) {
    return "POST %s HTTP/1.1\r\nhost: h\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
        .formatted(path, length);
  }

  static String get(String path) {
    return "GET %s HTTP/1.1\r\nhost: h\r\n\r\n".formatted(path);
  }

  void send(String text) throws IOException {
    socket.getOutputStream().write(text.getBytes(StandardCharsets.UTF_8));
  }

  void send(String head, byte[] body) throws IOException {
    byte[] bytes = head.getBytes(StandardCharsets.UTF_8);
    byte[] all = Arrays.copyOf(bytes, bytes.length + body.length);
    System.arraycopy(body, 0, all, bytes.length, body.length);
    socket.getOutputStream().write(all);
  }

  InputStream input() throws IOException {
    return socket.getInputStream();
  }

  /** Everything until the router hangs up, be it on a client that still sends, which is reset. */
  String readAll() throws IOException {
    var all = new ByteArrayOutputStream();
    try {
      input().transferTo(all);
    } catch (SocketException e) {
      if (all.size() == 0) {
        throw e;
      }
    }
    return all.toString(StandardCharsets.UTF_8);
  }

  /** Whether the router has hung up, as far as sending shows. */
  boolean isCut() {
    try {
      socket.getOutputStream().write('\r');
      return false;
    } catch (IOException _) {
      return true;
    }
  }

  /** Goes without a word, as a machine does that loses its power and comes back. */
  void vanish() throws IOException {
    socket.setSoLinger(true, 0);
    socket.close();
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
