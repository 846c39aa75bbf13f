package dev.lorax.launcher.health;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;

/** Asks {@code GET /health}. */
record RouterHealthCheck(HttpClient http, URI health) implements HealthCheck {

  @Override
  public CompletableFuture<Health> ask(Duration deadline) {
    var request = HttpRequest.newBuilder(health).timeout(deadline).build();
    return http.sendAsync(request, HttpResponse.BodyHandlers.discarding())
        .handle((response, broken) -> {
          if (broken != null) {
            return new Health.Silent(String.valueOf(broken.getMessage()));
          }
          return response.statusCode() == 200 ? new Health.Ready() : new Health.Alive();
        });
  }

  /** The client is shared; what is still open ends at its deadline. */
  @Override
  public void close() {}
}
