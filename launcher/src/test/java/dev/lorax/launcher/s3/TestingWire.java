package dev.lorax.launcher.s3;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/** Forwards to a server, notes the requests and cuts connections when asked to. */
final class TestingWire implements AutoCloseable {

  private final URI server;
  private final ServerSocket listener;
  private final Thread acceptor;
  private final List<String> requests = new CopyOnWriteArrayList<>();
  private final Set<Socket> sockets = ConcurrentHashMap.newKeySet();
  private final AtomicInteger cuts = new AtomicInteger();
  private volatile int cutAfterBytes;
  private volatile Consumer<String> onRequest = request -> {};

  TestingWire(URI server) throws IOException {
    this.server = server;
    this.listener = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    this.acceptor = Thread.ofPlatform().daemon().start(this::accept);
  }

  URI endpoint() {
    return URI.create("http://127.0.0.1:" + listener.getLocalPort());
  }

  /** Heads of requests, first lines and headers, oldest first. */
  List<String> requests() {
    return List.copyOf(requests);
  }

  void forget() {
    requests.clear();
  }

  /** Ends the next connections, each after so many bytes of answers. */
  void cut(int connections, int afterBytes) {
    cutAfterBytes = afterBytes;
    cuts.set(connections);
  }

  /** Runs before a request is forwarded. */
  void onRequest(Consumer<String> action) {
    onRequest = action;
  }

  private void accept() {
    while (!listener.isClosed()) {
      try {
        var client = listener.accept();
        var upstream = new Socket(server.getHost(), server.getPort());
        sockets.addAll(Set.of(client, upstream));
        Thread.ofPlatform().daemon().start(() -> forwardRequests(client, upstream));
        Thread.ofPlatform().daemon().start(() -> forwardAnswers(upstream, client));
      } catch (IOException closed) {
        return;
      }
    }
  }

  /** Requests of a download have no body, so each piece that arrives is a head. */
  private void forwardRequests(Socket client, Socket upstream) {
    forward(
        client,
        upstream,
        (bytes, count) -> {
          String head = new String(bytes, 0, count, StandardCharsets.ISO_8859_1);
          requests.add(head);
          onRequest.accept(head);
          return count;
        });
  }

  private void forwardAnswers(Socket upstream, Socket client) {
    var passed = new AtomicInteger();
    forward(
        upstream,
        client,
        (bytes, count) -> {
          int total = passed.addAndGet(count);
          boolean cut = cutAfterBytes > 0 && total > cutAfterBytes && cuts.getAndDecrement() > 0;
          return cut ? -1 : count;
        });
  }

  /** Says how many of the bytes to pass on; -1 ends the connection. */
  private interface Filter {
    int pass(byte[] bytes, int count);
  }

  private static void forward(Socket from, Socket to, Filter filter) {
    try (from;
        to) {
      InputStream in = from.getInputStream();
      OutputStream out = to.getOutputStream();
      var bytes = new byte[16 << 10];
      int count;
      while ((count = in.read(bytes)) >= 0) {
        int pass = filter.pass(bytes, count);
        if (pass < 0) {
          return;
        }
        out.write(bytes, 0, pass);
      }
    } catch (IOException closed) {
      // One side has gone, so does the other.
    }
  }

  /** Whoever connects from now on is refused: until accept returns, the port goes on listening. */
  @Override
  public void close() throws IOException, InterruptedException {
    listener.close();
    acceptor.join();
    for (var socket : sockets) {
      socket.close();
    }
  }
}
