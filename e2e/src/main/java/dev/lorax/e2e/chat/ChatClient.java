package dev.lorax.e2e.chat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.Stream;

/** A client of one router's chat endpoint. Thread-safe. */
public final class ChatClient {

  // One answer of the demo takes seconds; a request behind a group of shards that restarts waits
  // longer.
  private static final Duration DEADLINE = Duration.ofMinutes(2);
  private static final ObjectMapper JSON = new ObjectMapper();

  private final HttpClient http =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  private final URI server;
  private final InstantSource clock;

  public ChatClient(URI server, InstantSource clock) {
    this.server = server;
    this.clock = clock;
  }

  /** Where this client asks. */
  public URI server() {
    return server;
  }

  /**
   * Asks and hands each piece of the answer on as it comes.
   *
   * @throws RequestRefused if the server answers with an error or ends the stream early
   */
  public Answer stream(Question question, Consumer<String> pieces) {
    var request = post("/v1/chat/completions", body(question));
    var reader = new AnswerReader(question, clock, pieces);
    HttpResponse<Stream<String>> response = send(request, BodyHandlers.ofLines());
    try (Stream<String> lines = response.body()) {
      if (response.statusCode() != 200) {
        throw RequestRefused.of(question, response.statusCode(), String.join("\n", lines.toList()));
      }
      lines.forEach(new EventStream(reader::event)::line);
      return reader.answer();
    } catch (UncheckedIOException e) {
      throw RequestRefused.of(question, 200, "the stream broke: " + e.getMessage());
    }
  }

  /** The whole answer's text. */
  public String ask(Question question) {
    return stream(question, _ -> {}).text();
  }

  /** The raw answer to a raw body, for requests that a well-meaning client would not send. */
  public HttpResponse<String> postRaw(String path, String body) {
    return send(post(path, body), BodyHandlers.ofString());
  }

  /** The raw answer to a GET. */
  public HttpResponse<String> get(String path) {
    return send(HttpRequest.newBuilder(server.resolve(path)).build(), BodyHandlers.ofString());
  }

  private HttpRequest post(String path, String body) {
    return HttpRequest.newBuilder(server.resolve(path))
        .timeout(DEADLINE)
        .header("content-type", "application/json")
        .POST(BodyPublishers.ofString(body))
        .build();
  }

  private <T> HttpResponse<T> send(HttpRequest request, HttpResponse.BodyHandler<T> handler) {
    try {
      return http.send(request, handler);
    } catch (IOException e) {
      throw new UncheckedIOException(request.method() + " " + request.uri() + ": " + e, e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new RequestRefused(request.uri() + ": interrupted while waiting for the answer");
    }
  }

  private static String body(Question question) {
    try {
      return JSON.writeValueAsString(
          Map.of(
              "model", question.model(),
              "messages", List.of(Map.of("role", "user", "content", question.prompt())),
              "max_tokens", question.maxNewTokens(),
              "temperature", 0,
              "stream", true));
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException("no JSON for " + question, e);
    }
  }
}
