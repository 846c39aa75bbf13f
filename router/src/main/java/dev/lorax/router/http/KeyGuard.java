package dev.lorax.router.http;

import dev.lorax.router.access.Caller;
import dev.lorax.router.generation.Rejection;
import io.vertx.core.Handler;
import io.vertx.ext.web.RoutingContext;

/** Lets nobody through to a route whose API key does not allow it. */
final class KeyGuard implements Handler<RoutingContext> {
  static final Rejection UNAUTHORIZED =
      new Rejection(
          Rejection.Kind.UNAUTHORIZED,
          "expected `Authorization: Bearer` with an API key of this server");

  private static final Rejection FORBIDDEN =
      new Rejection(Rejection.Kind.FORBIDDEN, "this API key may not administer adapters");

  private final Gateway gateway;
  private final ErrorFormat errors;
  private final boolean admin;

  /**
   * @param admin whether only keys of administrators will do
   */
  KeyGuard(Gateway gateway, ErrorFormat errors, boolean admin) {
    this.gateway = gateway;
    this.errors = errors;
    this.admin = admin;
  }

  @Override
  public void handle(RoutingContext http) {
    Caller caller = gateway.keys().caller(Bodies.bearer(http.request()));
    if (caller == null) {
      Bodies.refuse(http.response(), errors, UNAUTHORIZED);
    } else if (admin && !caller.mayAdminister()) {
      Bodies.refuse(http.response(), errors, FORBIDDEN);
    } else {
      http.next();
    }
  }
}
