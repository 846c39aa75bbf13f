package dev.lorax.launcher.hub;

import dev.lorax.launcher.config.HubConfig;
import dev.lorax.launcher.download.DownloadException;
import dev.lorax.launcher.failure.FailureCode;
import java.io.IOException;
import java.io.InputStream;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.nio.channels.UnresolvedAddressException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import javax.net.ssl.SSLHandshakeException;

/**
 * Requests to a hub and to whatever it redirects to. The token goes to the hub's own origin and to
 * nobody else. Thread-safe.
 */
final class HubHttp implements AutoCloseable {

  private static final int REDIRECTS_AT_MOST = 10;
  private static final int REDIRECT_BODY_BYTES = 64 << 10;
  private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(20);

  private final HttpClient client;
  private final HubConfig config;
  private final String userAgent;

  HubHttp(HubConfig config, String userAgent) {
    this.config = config;
    this.userAgent = userAgent;
    // One connection for each transfer: over HTTP/2 they would share one, and its window.
    var builder =
        Proxies.configure(HttpClient.newBuilder(), config.proxies())
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(CONNECT_TIMEOUT)
            .followRedirects(HttpClient.Redirect.NEVER);
    if (config.authorities() != null) {
      builder.sslContext(config.authorities().sslContext());
    }
    this.client = builder.build();
  }

  /** An answer whose redirects were followed; its body is to be closed. */
  record Answer(HttpResponse<InputStream> response, URI uri) {

    int status() {
      return response.statusCode();
    }

    String header(String name) {
      return response.headers().firstValue(name).orElse("");
    }
  }

  /** Follows redirects to wherever they lead. */
  Answer get(URI uri, long offset) throws IOException, DownloadException, InterruptedException {
    var request = HttpRequest.newBuilder().GET();
    if (offset > 0) {
      request.header("Range", "bytes=%d-".formatted(offset));
    }
    return follow(uri, request, true);
  }

  /** Follows redirects within the hub; one that leads away is the answer, as it has the facts. */
  Answer head(URI uri) throws IOException, DownloadException, InterruptedException {
    return follow(uri, HttpRequest.newBuilder().HEAD(), false);
  }

  /** Whether an address is the hub's own, and not that of a store it redirects to. */
  boolean isHub(URI uri) {
    URI hub = config.endpoint();
    return hub.getScheme().equalsIgnoreCase(uri.getScheme())
        && hub.getHost().equalsIgnoreCase(uri.getHost())
        && port(hub) == port(uri);
  }

  private static int port(URI uri) {
    return uri.getPort() >= 0
        ? uri.getPort()
        : uri.getScheme().equalsIgnoreCase("https") ? 443 : 80;
  }

  private Answer follow(URI start, HttpRequest.Builder request, boolean anywhere)
      throws IOException, DownloadException, InterruptedException {
    URI uri = start;
    for (int redirects = 0; redirects <= REDIRECTS_AT_MOST; redirects++) {
      var response = send(request(request.copy(), uri));
      String location = response.headers().firstValue("Location").orElse("");
      if (response.statusCode() / 100 != 3 || location.isEmpty()) {
        return new Answer(response, uri);
      }
      URI next = uri.resolve(location.replace(" ", "%20"));
      if (!anywhere && !isHub(next)) {
        return new Answer(response, uri);
      }
      requireSafe(uri, next);
      discard(response);
      uri = next;
    }
    throw new IOException("more than %d redirects from %s".formatted(REDIRECTS_AT_MOST, start));
  }

  private static void requireSafe(URI from, URI to) throws DownloadException {
    boolean encrypted = "https".equalsIgnoreCase(to.getScheme());
    boolean plain = "http".equalsIgnoreCase(to.getScheme());
    if (to.getHost() == null || !(encrypted || plain)) {
      throw new DownloadException(
          FailureCode.SOURCE_UNREACHABLE,
          "%s redirects to no web address".formatted(from.getHost()));
    }
    if (plain && "https".equalsIgnoreCase(from.getScheme())) {
      throw new DownloadException(
          FailureCode.SOURCE_UNREACHABLE,
          "%s redirects to %s without encryption".formatted(from.getHost(), to.getHost()));
    }
  }

  /** Read to its end, so that the connection can be used again. */
  private static void discard(HttpResponse<InputStream> response) throws IOException {
    try (var body = response.body()) {
      body.readNBytes(REDIRECT_BODY_BYTES);
    }
  }

  private HttpRequest request(HttpRequest.Builder request, URI uri) {
    request.uri(uri).header("User-Agent", userAgent).header("Accept-Encoding", "identity");
    if (config.token() != null && isHub(uri)) {
      request.header("Authorization", "Bearer " + config.token().value());
    }
    return request.build();
  }

  private HttpResponse<InputStream> send(HttpRequest request)
      throws IOException, DownloadException, InterruptedException {
    CompletableFuture<HttpResponse<InputStream>> answer =
        client.sendAsync(request, HttpResponse.BodyHandlers.ofInputStream());
    try {
      return answer.get(config.stall().toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      answer.cancel(true);
      throw new HttpTimeoutException(
          "%s did not answer within %d s"
              .formatted(request.uri().getHost(), config.stall().toSeconds()));
    } catch (InterruptedException e) {
      answer.cancel(true);
      throw e;
    } catch (ExecutionException e) {
      throw failure(request.uri(), e.getCause() == null ? e : e.getCause());
    }
  }

  /** What the client throws often lacks a message; these are the ones that people meet. */
  private static IOException failure(URI uri, Throwable cause) throws DownloadException {
    if (cause instanceof SSLHandshakeException) {
      throw new DownloadException(
          FailureCode.SOURCE_UNREACHABLE,
          "no encrypted connection to %s: %s; name the file of a certificate authority of your own in SSL_CERT_FILE"
              .formatted(uri.getHost(), cause.getMessage()),
          cause);
    }
    if (cause instanceof ConnectException) {
      boolean unknown = cause.getCause() instanceof UnresolvedAddressException;
      return new IOException(
          "cannot connect to %s: %s"
              .formatted(uri.getHost(), unknown ? "no such host" : "connection refused"),
          cause);
    }
    return cause instanceof IOException io
        ? io
        : new IOException("%s: %s".formatted(uri.getHost(), cause), cause);
  }

  @Override
  public void close() {
    client.shutdownNow();
  }
}
