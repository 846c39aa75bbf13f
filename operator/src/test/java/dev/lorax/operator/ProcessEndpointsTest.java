package dev.lorax.operator;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;

final class ProcessEndpointsTest {

  @Test
  void answers_what_it_is_told_at_that_moment() throws IOException, InterruptedException {
    // given
    var ready = new AtomicBoolean(false);
    try (var endpoints = ProcessEndpoints.start(0, () -> true, ready::get, () -> "up 1");
        var client = HttpClient.newHttpClient()) {

      // when
      int before = status(client, endpoints, "/readyz");
      ready.set(true);
      int after = status(client, endpoints, "/readyz");

      // then
      assertThat(before).isEqualTo(503);
      assertThat(after).isEqualTo(200);
      assertThat(status(client, endpoints, "/healthz")).isEqualTo(200);
      assertThat(get(client, endpoints, "/metrics").body()).isEqualTo("up 1");
    }
  }

  private static int status(HttpClient client, ProcessEndpoints endpoints, String path)
      throws IOException, InterruptedException {
    return get(client, endpoints, path).statusCode();
  }

  private static HttpResponse<String> get(
      HttpClient client, ProcessEndpoints endpoints, String path)
      throws IOException, InterruptedException {
    var request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + endpoints.port() + path)).build();
    return client.send(request, BodyHandlers.ofString());
  }
}
