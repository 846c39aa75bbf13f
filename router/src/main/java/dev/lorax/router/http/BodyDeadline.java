package dev.lorax.router.http;

import dev.lorax.router.metrics.ConnectionEnd;
import dev.lorax.router.metrics.FailureLabel;
import dev.lorax.router.metrics.RouterMetrics;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpVersion;
import io.vertx.ext.web.RoutingContext;
import io.vertx.ext.web.handler.PlatformHandler;
import java.time.Duration;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Refuses a request whose body does not arrive in time, however steadily it trickles. */
record BodyDeadline(Duration patience, RouterMetrics metrics) implements PlatformHandler {
  private static final int REQUEST_TIMEOUT = 408;
  private static final String KEY = "body-timer";

  @Override
  public void handle(RoutingContext http) {
    long timer = http.vertx().setTimer(patience.toMillis(), _ -> refuse(http));
    http.put(KEY, timer);
    http.addEndHandler(_ -> http.vertx().cancelTimer(timer));
    http.next();
  }

  /** The body is there. */
  static void met(RoutingContext http) {
    http.vertx().cancelTimer(Objects.requireNonNull(http.<@Nullable Long>get(KEY), KEY));
    http.next();
  }

  private void refuse(RoutingContext http) {
    metrics.requestReceived();
    metrics.requestFailed(FailureLabel.BAD_REQUEST);
    metrics.connectionEnded(ConnectionEnd.SLOW_REQUEST);
    // Other requests on the same connection are not to blame.
    if (http.request().version() != HttpVersion.HTTP_2) {
      http.response().putHeader(HttpHeaders.CONNECTION, HttpHeaders.CLOSE);
      http.addEndHandler(_ -> http.request().connection().close());
    }
    http.fail(REQUEST_TIMEOUT);
  }
}
