package dev.lorax.router.http;

import dev.lorax.router.access.Caller;
import dev.lorax.router.generation.Rejection;
import dev.lorax.router.metrics.FailureLabel;
import dev.lorax.router.request.Place;
import io.vertx.core.Handler;
import io.vertx.ext.web.RoutingContext;
import org.jspecify.annotations.Nullable;

/** Lets a request that the model must answer in, or says why not. */
abstract class AskingRoute implements Handler<RoutingContext> {
  private final Gateway gateway;
  private final Farewell farewell;
  private final ErrorFormat errors;

  AskingRoute(Gateway gateway, Farewell farewell, ErrorFormat errors) {
    this.gateway = gateway;
    this.farewell = farewell;
    this.errors = errors;
  }

  /** Why the caller is not let in, or null. */
  abstract @Nullable Rejection refusal(Caller caller);

  /** Answers a request that has a place. */
  abstract void start(RoutingContext http, Caller caller, Place place, RequestSpan span);

  @Override
  public final void handle(RoutingContext http) {
    gateway.metrics().requestReceived();
    var span = RequestSpan.begin(http, gateway);
    if (!Bodies.isJson(http.request())) {
      gateway.metrics().requestFailed(FailureLabel.BAD_REQUEST);
      http.fail(415);
      return;
    }
    Caller caller = gateway.keys().caller(Bodies.bearer(http.request()));
    if (caller == null) {
      refuse(http, span, KeyGuard.UNAUTHORIZED);
      return;
    }
    Rejection closed = farewell.refusal(http.request());
    Rejection refusal = closed == null ? refusal(caller) : closed;
    Place place = refusal == null ? gateway.intake().tryEnter() : null;
    if (place == null) {
      refuse(http, span, refusal == null ? Rejection.overloaded() : refusal);
      return;
    }
    start(http, caller, place, span);
  }

  private void refuse(RoutingContext http, RequestSpan span, Rejection rejection) {
    span.failed(rejection);
    gateway.metrics().requestFailed(ErrorFormat.label(rejection.kind()));
    Bodies.refuse(http.response(), errors, rejection);
  }
}
