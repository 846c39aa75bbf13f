package dev.lorax.operator;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;

/** A status server that says what it is told to say, at a free port of this machine. */
final class TestingLauncher implements AutoCloseable {

  private final HttpServer server;
  private final ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor();
  private final AtomicInteger asked = new AtomicInteger();
  private final CountDownLatch closing = new CountDownLatch(1);
  private volatile String status = "{}";
  private volatile boolean silent;

  private TestingLauncher(HttpServer server) {
    this.server = server;
  }

  static TestingLauncher start() throws IOException {
    var server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    var launcher = new TestingLauncher(server);
    server.setExecutor(launcher.executor);
    server.createContext("/status", launcher::answer);
    server.start();
    return launcher;
  }

  int port() {
    return server.getAddress().getPort();
  }

  /** How often it was asked so far. */
  int asked() {
    return asked.get();
  }

  void says(String json) {
    status = json;
  }

  void downloads(long bytes, long totalBytes) {
    says(
        """
        {"phase": "Downloading", "since": "2026-01-01T12:00:00.123Z", "epoch": 0,
         "message": "preparing the model",
         "progress": {"step": "downloading", "what": "org/base@main", "bytes": %d,
                      "total_bytes": %d, "files": 1, "total_files": 4},
         "members": {"shard-0": {"state": "waiting"}, "router": {"state": "waiting"}},
         "restarts": {"shards": 0, "router": 0}}
        """
            .formatted(bytes, totalBytes));
  }

  /** Takes connections from now on and never answers. */
  void fallsSilent() {
    silent = true;
  }

  private void answer(HttpExchange exchange) throws IOException {
    asked.incrementAndGet();
    try (exchange) {
      if (silent) {
        closing.await();
      }
      byte[] body = status.getBytes(StandardCharsets.UTF_8);
      exchange.sendResponseHeaders(200, body.length);
      exchange.getResponseBody().write(body);
    } catch (InterruptedException closed) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void close() {
    closing.countDown();
    server.stop(0);
    executor.shutdownNow();
  }
}
