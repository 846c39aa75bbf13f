package dev.lorax.router.http;

import dev.lorax.router.generation.Rejection;
import dev.lorax.router.request.Intake;
import io.vertx.core.http.HttpConnection;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpVersion;
import io.vertx.ext.web.RoutingContext;
import java.util.HashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * How connections end once the router leaves. Confined to one event loop.
 *
 * <p>A client that keeps its connection hears of it with its next answer. Where that answer is a
 * stream which began before, it hears of nothing, and comes back as soon as the stream has ended,
 * however late that is. So connections from before are served to the last; who comes by a new one
 * was sent here by a proxy that should know better, and can go elsewhere at no loss.
 */
final class Farewell {
  private static final long NO_ERROR = 0;

  private final Intake intake;
  private final Set<HttpConnection> latecomers = new HashSet<>();

  Farewell(Intake intake) {
    this.intake = intake;
  }

  /** A client has opened a connection. */
  void connected(HttpConnection connection) {
    if (intake.closed() != null) {
      latecomers.add(connection);
      connection.closeHandler(_ -> latecomers.remove(connection));
    }
  }

  /** Sees to it that the client opens another connection for its next request. */
  void greet(RoutingContext http) {
    // Not now: the answer may begin much later than the request.
    http.addHeadersEndHandler(_ -> part(http.request()));
    http.next();
  }

  private void part(HttpServerRequest request) {
    if (!intake.leaving()) {
      return;
    }
    if (request.version() == HttpVersion.HTTP_2) {
      request.connection().goAway(NO_ERROR);
    } else {
      request.response().putHeader(HttpHeaders.CONNECTION, HttpHeaders.CLOSE);
    }
  }

  /** Why a request is not let in, or null. */
  @Nullable Rejection refusal(HttpServerRequest request) {
    Rejection closed = intake.closed();
    return closed == null || !latecomers.contains(request.connection()) ? null : closed;
  }
}
