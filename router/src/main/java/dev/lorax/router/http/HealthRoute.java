package dev.lorax.router.http;

import io.vertx.core.Handler;
import io.vertx.ext.web.RoutingContext;

/** Whether new requests are welcome: shards connected and warm, no shutdown under way. */
final class HealthRoute implements Handler<RoutingContext> {
  private final Gateway gateway;

  HealthRoute(Gateway gateway) {
    this.gateway = gateway;
  }

  @Override
  public void handle(RoutingContext http) {
    if (gateway.loop().status().connected() && gateway.intake().closed() == null) {
      http.response().end();
      return;
    }
    http.response().setStatusCode(503);
    Bodies.json(http.response(), ErrorFormat.NATIVE.body("unhealthy", "healthcheck"));
  }
}
