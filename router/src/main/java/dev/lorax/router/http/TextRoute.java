package dev.lorax.router.http;

import dev.lorax.router.access.Caller;
import dev.lorax.router.generation.Rejection;
import dev.lorax.router.request.Place;
import io.vertx.ext.web.RoutingContext;
import org.jspecify.annotations.Nullable;

/** Where embeddings or classes are asked for. */
final class TextRoute extends AskingRoute {
  private final Gateway gateway;
  private final TextDialect dialect;

  TextRoute(Gateway gateway, Farewell farewell, TextDialect dialect) {
    super(gateway, farewell, dialect.errors());
    this.gateway = gateway;
    this.dialect = dialect;
  }

  @Override
  @Nullable Rejection refusal(Caller caller) {
    return caller.enter();
  }

  @Override
  void start(RoutingContext http, Caller caller, Place place, RequestSpan span) {
    new TextExchange(gateway, http, dialect, caller, place, span).start();
  }
}
