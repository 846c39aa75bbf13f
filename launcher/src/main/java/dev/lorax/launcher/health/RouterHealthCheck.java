package dev.lorax.launcher.health;

import java.io.IOException;
import java.net.HttpURLConnection;
import java.net.Proxy;
import java.net.URI;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/**
 * Asks {@code GET /health}, each time in a virtual thread of its own.
 *
 * <p>By the JDK's older client: the newer one reads all certificate authorities when it is made,
 * which is a tenth of a launcher's start, for a question in plain HTTP.
 */
record RouterHealthCheck(URI health) implements HealthCheck {

  @Override
  public CompletableFuture<Health> ask(Duration deadline) {
    var answer = new CompletableFuture<Health>();
    Thread.ofVirtual().name("router-health").start(() -> answer.complete(answer(deadline)));
    return answer.completeOnTimeout(
        new Health.Silent("no answer"), deadline.toMillis(), TimeUnit.MILLISECONDS);
  }

  private Health answer(Duration deadline) {
    try {
      var connection = (HttpURLConnection) health.toURL().openConnection(Proxy.NO_PROXY);
      connection.setConnectTimeout((int) deadline.toMillis());
      connection.setReadTimeout((int) deadline.toMillis());
      connection.setInstanceFollowRedirects(false);
      // A router that takes no new connections is not well, however it treats an old one.
      connection.setRequestProperty("Connection", "close");
      int status = connection.getResponseCode();
      connection.disconnect();
      return status == HttpURLConnection.HTTP_OK ? new Health.Ready() : new Health.Alive();
    } catch (IOException e) {
      return new Health.Silent(String.valueOf(e.getMessage()));
    }
  }

  /** What is still open ends at its deadline. */
  @Override
  public void close() {}
}
