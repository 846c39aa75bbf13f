package dev.lorax.router.http;

import dev.lorax.router.generation.Rejection;
import dev.lorax.router.request.Intake;
import io.vertx.core.http.HttpConnection;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpVersion;
import io.vertx.ext.web.RoutingContext;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * How connections end once the router leaves. Thread-safe.
 *
 * <p>A client that keeps its connection is told with its next answer to open another one. Where
 * that answer is a stream whose head is gone already, it hears nothing, and comes back when the
 * stream has ended, however late that is. So clients from before are served until they have been
 * told. Who comes by a new connection was sent here by a proxy that should know better, and can go
 * elsewhere at no loss.
 */
final class Farewell {
  private static final long NO_ERROR = 0;

  private final Intake intake;

  /** Connections from before whose clients have not been told. */
  private final Set<HttpConnection> unaware = ConcurrentHashMap.newKeySet();

  Farewell(Intake intake) {
    this.intake = intake;
  }

  /** A client has opened a connection. */
  void connected(HttpConnection connection) {
    if (intake.closed() == null) {
      unaware.add(connection);
      connection.closeHandler(_ -> unaware.remove(connection));
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
    unaware.remove(request.connection());
    if (request.version() == HttpVersion.HTTP_2) {
      request.connection().goAway(NO_ERROR);
    } else {
      request.response().putHeader(HttpHeaders.CONNECTION, HttpHeaders.CLOSE);
    }
  }

  /** Why a request is not let in, or null. */
  @Nullable Rejection refusal(HttpServerRequest request) {
    Rejection closed = intake.closed();
    return closed == null || unaware.contains(request.connection()) ? null : closed;
  }

  /** Whether all clients from before have been told or have gone. */
  boolean complete() {
    return unaware.isEmpty();
  }
}
