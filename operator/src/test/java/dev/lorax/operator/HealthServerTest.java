package dev.lorax.operator;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;

final class HealthServerTest {

  @Test
  void answers_what_it_is_told_at_that_moment() throws IOException, InterruptedException {
    // given
    var ready = new AtomicBoolean(false);
    try (var health = HealthServer.start(0, () -> true, ready::get);
        var client = HttpClient.newHttpClient()) {

      // when
      int before = status(client, health, "/readyz");
      ready.set(true);
      int after = status(client, health, "/readyz");

      // then
      assertThat(before).isEqualTo(503);
      assertThat(after).isEqualTo(200);
      assertThat(status(client, health, "/healthz")).isEqualTo(200);
    }
  }

  private static int status(HttpClient client, HealthServer health, String path)
      throws IOException, InterruptedException {
    var request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + health.port() + path)).build();
    return client.send(request, BodyHandlers.discarding()).statusCode();
  }
}
