package dev.lorax.router.http;

import dev.lorax.router.access.Caller;
import dev.lorax.router.generation.Rejection;
import dev.lorax.router.metrics.FailureLabel;
import dev.lorax.router.request.Place;
import io.vertx.core.Handler;
import io.vertx.ext.web.RoutingContext;

/** Lets a request for embeddings or classes in, or says why not. */
final class TextRoute implements Handler<RoutingContext> {
  private final Gateway gateway;
  private final Farewell farewell;
  private final TextDialect dialect;

  TextRoute(Gateway gateway, Farewell farewell, TextDialect dialect) {
    this.gateway = gateway;
    this.farewell = farewell;
    this.dialect = dialect;
  }

  @Override
  public void handle(RoutingContext http) {
    gateway.metrics().requestReceived();
    if (!Bodies.isJson(http.request())) {
      gateway.metrics().requestFailed(FailureLabel.BAD_REQUEST);
      http.fail(415);
      return;
    }
    Caller caller = gateway.keys().caller(Bodies.bearer(http.request()));
    if (caller == null) {
      refuse(http, KeyGuard.UNAUTHORIZED);
      return;
    }
    Rejection closed = farewell.refusal(http.request());
    Rejection refusal = closed == null ? caller.enter() : closed;
    Place place = refusal == null ? gateway.intake().tryEnter() : null;
    if (place == null) {
      refuse(http, refusal == null ? Rejection.overloaded() : refusal);
      return;
    }
    new TextExchange(gateway, http, dialect, caller, place).start();
  }

  private void refuse(RoutingContext http, Rejection rejection) {
    gateway.metrics().requestFailed(ErrorFormat.label(rejection.kind()));
    Bodies.refuse(http.response(), dialect.errors(), rejection);
  }
}
