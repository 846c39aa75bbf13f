package dev.lorax.operator;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;

/** A metrics page of a router with a load to order, at a free port of this machine. */
final class TestingRouter implements AutoCloseable {

  private final HttpServer server;
  private volatile String page = "";

  private TestingRouter(HttpServer server) {
    this.server = server;
  }

  static TestingRouter start() throws IOException {
    var server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    var router = new TestingRouter(server);
    server.createContext(
        "/metrics",
        exchange -> {
          try (exchange) {
            byte[] body = router.page.getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(200, body.length);
            exchange.getResponseBody().write(body);
          }
        });
    server.start();
    return router.has(0, 0, 0);
  }

  int port() {
    return server.getAddress().getPort();
  }

  /** Requests that wait, requests that run, and tokens that these hold of 1000. */
  TestingRouter has(int waiting, int running, int heldTokens) {
    page =
        """
        # TYPE lorax_request_count counter
        lorax_request_count 7
        # TYPE lorax_queue_length gauge
        lorax_queue_length %d
        # TYPE lorax_batch_current_size gauge
        lorax_batch_current_size %d
        # TYPE lorax_batch_current_max_tokens gauge
        lorax_batch_current_max_tokens %d
        # TYPE lorax_batch_max_total_tokens gauge
        lorax_batch_max_total_tokens 1000
        # TYPE lorax_request_failure counter
        lorax_request_failure{err="overloaded"} 2
        """
            .formatted(waiting, running, heldTokens);
    return this;
  }

  @Override
  public void close() {
    server.stop(0);
  }
}
