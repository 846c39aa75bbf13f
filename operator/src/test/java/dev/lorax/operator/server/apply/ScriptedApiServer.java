package dev.lorax.operator.server.apply;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** Answers what it is told to, in turn, at a free port of this machine, and notes what it saw. */
final class ScriptedApiServer implements AutoCloseable {

  private final HttpServer server;
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final Queue<Answer> answers = new ConcurrentLinkedQueue<>();
  private final List<Seen> seen = new CopyOnWriteArrayList<>();
  private final CountDownLatch end = new CountDownLatch(1);
  private volatile boolean silent;
  private volatile String warning = "";

  /** A request. */
  record Seen(
      String method,
      String target,
      String mediaType,
      String authorization,
      String userAgent,
      String body) {}

  private record Answer(int status, String body) {}

  private ScriptedApiServer(HttpServer server) {
    this.server = server;
  }

  static ScriptedApiServer start() throws IOException {
    var server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    var scripted = new ScriptedApiServer(server);
    server.setExecutor(scripted.threads);
    server.createContext("/", scripted::answer);
    server.start();
    return scripted;
  }

  String address() {
    return "http://127.0.0.1:" + server.getAddress().getPort();
  }

  /** The next one. */
  ScriptedApiServer answers(int status, String body) {
    answers.add(new Answer(status, body));
    return this;
  }

  /** With all answers from now on. */
  ScriptedApiServer warns(String text) {
    warning = text;
    return this;
  }

  /** From now on, until it is closed. */
  void staysSilent() {
    silent = true;
  }

  /** In the order in which they came. */
  List<Seen> seen() {
    return List.copyOf(seen);
  }

  private void answer(HttpExchange exchange) throws IOException {
    try (exchange) {
      var headers = exchange.getRequestHeaders();
      seen.add(
          new Seen(
              exchange.getRequestMethod(),
              exchange.getRequestURI().toString(),
              headers.getFirst("Content-Type"),
              headers.getFirst("Authorization"),
              headers.getFirst("User-Agent"),
              new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8)));
      if (silent) {
        end.await();
        return;
      }
      if (!warning.isEmpty()) {
        exchange.getResponseHeaders().set("Warning", "299 - \"%s\"".formatted(warning));
      }
      Answer answer = answers.remove();
      byte[] body = answer.body().getBytes(StandardCharsets.UTF_8);
      exchange.sendResponseHeaders(answer.status(), body.length);
      exchange.getResponseBody().write(body);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void close() {
    end.countDown();
    server.stop(0);
    threads.close();
  }
}
