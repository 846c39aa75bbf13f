package dev.lorax.router.http;

import dev.lorax.router.access.Caller;
import dev.lorax.router.batching.ModelAbilities;
import dev.lorax.router.generation.Rejection;
import dev.lorax.router.metrics.FailureLabel;
import dev.lorax.router.request.Place;
import io.vertx.core.Handler;
import io.vertx.ext.web.RoutingContext;
import org.jspecify.annotations.Nullable;

/** Lets a request for a generation in, or says why not. */
final class GenerationRoute implements Handler<RoutingContext> {
  private final Gateway gateway;
  private final Farewell farewell;
  private final Dialect dialect;

  GenerationRoute(Gateway gateway, Farewell farewell, Dialect dialect) {
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
    Rejection refusal = refusal(http, caller);
    Place place = refusal == null ? gateway.intake().tryEnter() : null;
    if (place == null) {
      refuse(http, refusal == null ? Rejection.overloaded() : refusal);
      return;
    }
    new Exchange(gateway, http, dialect, caller, place).start();
  }

  private @Nullable Rejection refusal(RoutingContext http, Caller caller) {
    Rejection closed = farewell.refusal(http.request());
    if (closed != null) {
      return closed;
    }
    ModelAbilities abilities = gateway.texts().abilities();
    if (!abilities.generates()) {
      return Rejection.validation(
          "this model %s, it does not generate text".formatted(abilities.described()));
    }
    Rejection congested = gateway.intake().congested();
    return congested == null ? caller.enter() : congested;
  }

  private void refuse(RoutingContext http, Rejection rejection) {
    gateway.metrics().requestFailed(ErrorFormat.label(rejection.kind()));
    Bodies.refuse(http.response(), dialect.errors(), rejection);
  }
}
