package dev.lorax.router.http;

import dev.lorax.router.access.Caller;
import dev.lorax.router.batching.ModelAbilities;
import dev.lorax.router.generation.Rejection;
import dev.lorax.router.request.Place;
import io.vertx.ext.web.RoutingContext;
import org.jspecify.annotations.Nullable;

/** Where generations are asked for. */
final class GenerationRoute extends AskingRoute {
  private final Gateway gateway;
  private final Handover handover;
  private final Dialect dialect;

  /**
   * @param handover to the event loop on which the route serves
   */
  GenerationRoute(Gateway gateway, Farewell farewell, Handover handover, Dialect dialect) {
    super(gateway, farewell, dialect.errors());
    this.gateway = gateway;
    this.handover = handover;
    this.dialect = dialect;
  }

  @Override
  @Nullable Rejection refusal(Caller caller) {
    ModelAbilities abilities = gateway.texts().abilities();
    if (!abilities.generates()) {
      return Rejection.validation(
          "this model %s, it does not generate text".formatted(abilities.described()));
    }
    Rejection congested = gateway.intake().congested();
    return congested == null ? caller.enter() : congested;
  }

  @Override
  void start(RoutingContext http, Caller caller, Place place, RequestSpan span) {
    new Exchange(gateway, handover, http, dialect, caller, place, span).start();
  }
}
