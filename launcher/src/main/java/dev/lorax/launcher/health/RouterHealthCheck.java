package dev.lorax.launcher.health;

import io.netty.handler.ssl.util.InsecureTrustManagerFactory;
import java.io.IOException;
import java.net.HttpURLConnection;
import java.net.Proxy;
import java.net.URI;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.HttpsURLConnection;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocketFactory;
import org.jspecify.annotations.Nullable;

/**
 * Asks {@code GET /health}, each time in a virtual thread of its own.
 *
 * <p>By the JDK's older client: the newer one reads all certificate authorities when it is made,
 * which is a tenth of a launcher's start, for a question that needs none of them.
 */
final class RouterHealthCheck implements HealthCheck {

  private final URI health;

  /** Null where the question is asked in plain HTTP. */
  private final @Nullable SSLSocketFactory tls;

  RouterHealthCheck(URI health) {
    this.health = health;
    this.tls = health.getScheme().equals("https") ? anyCertificate() : null;
  }

  /** Its certificate names the host that clients know, and whoever answers here is a child. */
  private static SSLSocketFactory anyCertificate() {
    try {
      var context = SSLContext.getInstance("TLS");
      context.init(null, InsecureTrustManagerFactory.INSTANCE.getTrustManagers(), null);
      return context.getSocketFactory();
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("every JVM has TLS", e);
    }
  }

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
      if (connection instanceof HttpsURLConnection secured && tls != null) {
        secured.setSSLSocketFactory(tls);
        secured.setHostnameVerifier((_, _) -> true);
      }
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
