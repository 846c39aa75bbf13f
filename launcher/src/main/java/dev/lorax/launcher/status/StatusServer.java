package dev.lorax.launcher.status;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.lorax.launcher.process.MemberName;
import dev.lorax.launcher.process.ProcessHost;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.jspecify.annotations.Nullable;

/**
 * Answers probes and people: {@code /ready}, {@code /ready/<member>}, {@code /attached/<member>},
 * {@code /status}, {@code /metrics}. The launcher itself counts as a member here: it is ready when
 * the model is, and attached when it answers at all.
 */
public final class StatusServer implements AutoCloseable {

  private final HttpServer server;
  private final ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor();
  private final LauncherStatus status;
  private final ProcessHost host;

  private StatusServer(HttpServer server, LauncherStatus status, ProcessHost host) {
    this.server = server;
    this.status = status;
    this.host = host;
  }

  /** Binds to all addresses, as probes come from outside the pod; port 0 lets the system choose. */
  public static StatusServer start(int port, LauncherStatus status, ProcessHost host)
      throws IOException {
    try {
      var server = HttpServer.create(new InetSocketAddress(port), 0);
      var statusServer = new StatusServer(server, status, host);
      server.createContext("/", statusServer::answer);
      server.setExecutor(statusServer.executor);
      server.start();
      return statusServer;
    } catch (IOException e) {
      throw new IOException("status port %d: %s".formatted(port, e.getMessage()), e);
    }
  }

  public int port() {
    return server.getAddress().getPort();
  }

  private void answer(HttpExchange exchange) throws IOException {
    try (exchange) {
      Answer answer = answerTo(exchange.getRequestURI().getPath());
      byte[] body = answer.body().getBytes(StandardCharsets.UTF_8);
      exchange.getResponseHeaders().set("Content-Type", answer.contentType());
      exchange.sendResponseHeaders(answer.code(), body.length);
      exchange.getResponseBody().write(body);
    }
  }

  private record Answer(int code, String contentType, String body) {
    static Answer json(boolean good, String body) {
      return new Answer(good ? 200 : 503, "application/json", body);
    }
  }

  private Answer answerTo(String path) {
    var snapshot = status.snapshot();
    if (path.equals("/ready")) {
      return Answer.json(snapshot.phase() == Phase.SERVING, StatusJson.summary(snapshot));
    }
    if (path.equals("/status")) {
      return Answer.json(true, StatusJson.full(snapshot));
    }
    if (path.equals("/metrics")) {
      return new Answer(200, "text/plain; version=0.0.4", StatusMetrics.text(snapshot));
    }
    Answer answer = memberAnswer(path, snapshot);
    return answer != null
        ? answer
        : new Answer(404, "application/json", StatusJson.error("no such path: " + path));
  }

  private @Nullable Answer memberAnswer(String path, LauncherStatus.Snapshot snapshot) {
    if (path.equals("/ready/launcher")) {
      return Answer.json(snapshot.modelReady(), StatusJson.summary(snapshot));
    }
    if (path.equals("/attached/launcher")) {
      return Answer.json(true, StatusJson.summary(snapshot));
    }
    for (var entry : snapshot.members().entrySet()) {
      MemberName member = entry.getKey();
      if (path.equals("/ready/" + member)) {
        boolean ready = entry.getValue() instanceof MemberState.Ready;
        return Answer.json(ready, StatusJson.member(member, entry.getValue()));
      }
      if (path.equals("/attached/" + member)) {
        return Answer.json(host.isAttached(member), StatusJson.member(member, entry.getValue()));
      }
    }
    return null;
  }

  @Override
  public void close() {
    server.stop(0);
    executor.shutdownNow();
  }
}
