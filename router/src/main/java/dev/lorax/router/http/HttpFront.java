package dev.lorax.router.http;

import static java.util.Objects.requireNonNull;

import dev.lorax.router.generation.ChatTemplate;
import dev.lorax.router.http.HttpSettings.Address;
import dev.lorax.router.tokenizer.PromptTokenizer;
import io.vertx.core.DeploymentOptions;
import io.vertx.core.Future;
import io.vertx.core.VerticleBase;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import java.time.InstantSource;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** The listening HTTP server: one socket, several event loops. Thread-safe. */
public final class HttpFront implements AutoCloseable {
  /** Upstream takes about as much; adapter ids and tokens travel in headers. */
  private static final int MOST_HEADER_BYTES = 20 * 1024;

  private static final int MOST_REQUEST_LINE_BYTES = 10 * 1024;

  private final Vertx vertx;
  private final Farewell farewell;

  /** One of those that share the socket. */
  private final AtomicReference<HttpServer> server = new AtomicReference<>();

  private HttpFront(Vertx vertx, Farewell farewell) {
    this.vertx = vertx;
    this.farewell = farewell;
  }

  /**
   * Listens; port 0 takes any free one.
   *
   * @throws WrongCertificateException if the settings name a certificate that cannot be shown
   */
  public static HttpFront listen(
      Gateway gateway,
      PromptTokenizer tokenizer,
      ChatTemplate chatTemplate,
      InstantSource clock,
      HttpSettings settings)
      throws WrongCertificateException {
    var transport =
        GuardedTransport.of(
            () -> new ConnectionGuard(settings.patience(), gateway.metrics(), gateway.ticker()));
    Vertx vertx = Vertx.builder().withTransport(transport).build();
    var farewell = new Farewell(gateway.intake());
    var front = new HttpFront(vertx, farewell);
    var api = new HttpApi(gateway, farewell, tokenizer, chatTemplate, clock, settings);
    Address address = settings.address();
    try {
      TlsFiles tls = settings.tls();
      ServingCertificate certificate = tls == null ? null : ServingCertificate.read(tls, vertx);
      vertx
          .deployVerticle(
              () -> front.new Listener(api, address, certificate),
              new DeploymentOptions().setInstances(address.eventLoops()))
          .await();
      if (certificate != null) {
        CertificateWatch.begin(vertx, front.server(), certificate);
      }
    } catch (WrongCertificateException | RuntimeException e) {
      vertx.close().await();
      throw e;
    }
    return front;
  }

  public int port() {
    return server().actualPort();
  }

  private HttpServer server() {
    return requireNonNull(server.get(), "every listener has started");
  }

  /** Whether every client that may come back, if the router leaves, knows that it should not. */
  public boolean hasSaidGoodbye() {
    return farewell.complete();
  }

  @Override
  public void close() {
    vertx.close().await();
  }

  private final class Listener extends VerticleBase {
    private final HttpApi api;
    private final Address address;
    private final @Nullable ServingCertificate certificate;

    Listener(HttpApi api, Address address, @Nullable ServingCertificate certificate) {
      this.api = api;
      this.address = address;
      this.certificate = certificate;
    }

    @Override
    public Future<?> start() {
      // Without this, a token waits for the acknowledgement of the one before it: about 40 ms.
      var options =
          new HttpServerOptions()
              .setTcpNoDelay(true)
              .setHandle100ContinueAutomatically(true)
              .setMaxHeaderSize(MOST_HEADER_BYTES)
              .setMaxInitialLineLength(MOST_REQUEST_LINE_BYTES)
              // Else each write of any answer passes a handler of what WebSockets may agree upon.
              .setPerFrameWebSocketCompressionSupported(false)
              .setPerMessageWebSocketCompressionSupported(false);
      if (certificate != null) {
        options.setSsl(true).setUseAlpn(true).setKeyCertOptions(certificate.pem());
      }
      return vertx
          .createHttpServer(options)
          .connectionHandler(farewell::connected)
          .requestHandler(api.router(vertx))
          .listen(address.port(), address.hostname())
          .onSuccess(server::set);
    }
  }
}
