package dev.lorax.router;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.lorax.router.config.RouterArguments;
import dev.lorax.router.config.RouterArguments.Parsed;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;

/** A whole router in this JVM, on a free port, and an HTTP client that talks to it. */
final class TestingRouter implements AutoCloseable {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final RouterProcess router;
  private final HttpClient client =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

  private TestingRouter(RouterProcess router) {
    this.router = router;
  }

  static TestingRouter start(Path firstShardSocket, String... options) throws Exception {
    var arguments = new ArrayList<String>();
    arguments.addAll(List.of("--tokenizer-name", "src/test/resources/model"));
    arguments.addAll(List.of("--max-input-length", "100", "--max-total-tokens", "200"));
    arguments.addAll(List.of("--max-batch-prefill-tokens", "400", "--eager-prefill"));
    arguments.addAll(List.of(options));
    return startWith(firstShardSocket, arguments);
  }

  /**
   * @param options the tokenizer, and limits
   */
  static TestingRouter startWith(Path firstShardSocket, List<String> options) throws Exception {
    var arguments = new ArrayList<String>();
    arguments.addAll(List.of("--master-shard-uds-path", firstShardSocket.toString()));
    arguments.addAll(List.of("--model-id", "base-model", "--adapter-source", "local"));
    arguments.addAll(List.of("--port", "0", "--hostname", "127.0.0.1"));
    arguments.addAll(options);
    return switch (RouterArguments.parse(arguments, Map.of())) {
      case Parsed.Run asked ->
          new TestingRouter(RouterProcess.start(asked.config(), RouterMain.here()));
      case Parsed.Wrong(var problems) -> throw new AssertionError(problems);
      case Parsed.Print(var text) -> throw new AssertionError(text);
    };
  }

  RouterProcess process() {
    return router;
  }

  URI uri(String path) {
    return URI.create("http://127.0.0.1:" + router.port() + path);
  }

  HttpResponse<String> get(String path) {
    return send(HttpRequest.newBuilder(uri(path)).GET().build());
  }

  HttpResponse<String> postBytes(String path, byte[] body) {
    return send(
        HttpRequest.newBuilder(uri(path))
            .header("content-type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofByteArray(body))
            .build());
  }

  HttpResponse<String> post(String path, String body) {
    return send(request(path, body));
  }

  HttpResponse<String> send(HttpRequest request) {
    try {
      return client.send(request, BodyHandlers.ofString());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  CompletableFuture<HttpResponse<String>> postLater(String path, String body) {
    return client.sendAsync(request(path, body), BodyHandlers.ofString());
  }

  /** An open stream; closing it hangs up. */
  HttpResponse<Stream<String>> open(String path, String body) throws Exception {
    return client.send(request(path, body), BodyHandlers.ofLines());
  }

  HttpRequest request(String path, String body) {
    return HttpRequest.newBuilder(uri(path))
        .header("content-type", "application/json")
        .timeout(Duration.ofSeconds(30))
        .POST(HttpRequest.BodyPublishers.ofString(body))
        .build();
  }

  static JsonNode json(HttpResponse<String> response) {
    return json(response.body());
  }

  static JsonNode json(String text) {
    try {
      return JSON.readTree(text);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The payloads of server-sent events, comments left out. */
  static List<String> events(String body) {
    return body.lines().filter(l -> l.startsWith("data: ")).map(l -> l.substring(6)).toList();
  }

  /** The value of a metric without labels, or with them spelled out. */
  double metric(String series) {
    return get("/metrics")
        .body()
        .lines()
        .filter(line -> line.startsWith(series + " "))
        .mapToDouble(line -> Double.parseDouble(line.substring(series.length() + 1)))
        .findFirst()
        .orElseThrow(() -> new AssertionError("no series " + series));
  }

  @Override
  public void close() throws InterruptedException {
    router.close();
    client.close();
  }
}
