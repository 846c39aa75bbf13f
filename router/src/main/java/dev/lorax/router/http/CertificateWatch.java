package dev.lorax.router.http;

import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServer;
import io.vertx.core.net.ServerSSLOptions;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Gives a listening server the certificate that lies in the files now, for connections to come. A
 * pair that is wrong leaves the last one in place: a mistake must not lock everybody out. Confined
 * to one event loop of Vert.x.
 */
final class CertificateWatch {
  private static final Logger LOG = LoggerFactory.getLogger(CertificateWatch.class);
  private static final long LOOK_MILLIS = 1_000;

  private final HttpServer server;
  private ServingCertificate shown;

  /** What the files were last found to be wrong about; told once. */
  private @Nullable String told;

  private CertificateWatch(HttpServer server, ServingCertificate shown) {
    this.server = server;
    this.shown = shown;
  }

  /** Looks at its files from now on, for as long as {@code vertx} lives. */
  static void begin(Vertx vertx, HttpServer server, ServingCertificate shown) {
    var watch = new CertificateWatch(server, shown);
    vertx.setPeriodic(LOOK_MILLIS, _ -> watch.look(vertx));
  }

  private void look(Vertx vertx) {
    vertx
        .executeBlocking(() -> shown.readAgain(vertx))
        .onSuccess(this::show)
        .onFailure(this::complain);
  }

  private void show(ServingCertificate found) {
    told = null;
    if (found == shown) {
      return;
    }
    var options =
        new ServerSSLOptions()
            .setKeyCertOptions(found.pem())
            .setUseAlpn(true)
            .setApplicationLayerProtocols(List.of("h2", "http/1.1"));
    server
        .updateSSLOptions(options)
        .onSuccess(_ -> {
          shown = found;
          LOG.atInfo().addKeyValue("notAfter", found.notAfter()).log("certificate renewed");
        })
        .onFailure(this::complain);
  }

  private void complain(Throwable failure) {
    String reason = String.valueOf(failure.getMessage());
    if (!Objects.equals(reason, told)) {
      told = reason;
      LOG.atError()
          .addKeyValue("reason", reason)
          .log("certificate not read again, the one before stays");
    }
  }
}
