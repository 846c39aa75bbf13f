package dev.lorax.router.http;

import dev.lorax.router.generation.Rejection;
import dev.lorax.router.metrics.FailureLabel;
import dev.lorax.router.request.Place;
import io.vertx.core.Handler;
import io.vertx.ext.web.RoutingContext;

/** Lets a request for a generation in, or says why not. */
final class GenerationRoute implements Handler<RoutingContext> {
  private final Gateway gateway;
  private final Dialect dialect;

  GenerationRoute(Gateway gateway, Dialect dialect) {
    this.gateway = gateway;
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
    Rejection closed = gateway.intake().closed();
    Rejection refusal = closed == null ? gateway.intake().congested() : closed;
    Place place = refusal == null ? gateway.intake().tryEnter() : null;
    if (place == null) {
      Rejection rejection = refusal == null ? Rejection.overloaded() : refusal;
      gateway.metrics().requestFailed(ErrorFormat.label(rejection.kind()));
      Bodies.refuse(http.response(), dialect.errors(), rejection);
      return;
    }
    new Exchange(gateway, http, dialect, place).start();
  }
}
