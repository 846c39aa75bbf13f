package dev.lorax.router.http;

import dev.lorax.router.batching.Share;
import dev.lorax.router.generation.Rejection;
import dev.lorax.router.request.Collector;
import dev.lorax.router.request.Collector.Outcome;
import dev.lorax.router.request.GenerateCall;
import dev.lorax.router.request.GenerateCall.AdapterChoice;
import dev.lorax.router.request.GenerateCall.LengthChoice;
import dev.lorax.router.request.GenerateCall.OutputChoice;
import dev.lorax.router.request.GenerateCall.SamplingChoice;
import dev.lorax.router.request.Place;
import dev.lorax.router.request.Preparation;
import io.vertx.core.Context;
import io.vertx.core.Handler;
import io.vertx.ext.web.RoutingContext;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/** Generates one token on the whole way that a request takes, and says whether it came. */
final class StartupRoute implements Handler<RoutingContext> {
  /** Upstream's question. */
  private static final GenerateCall QUESTION =
      new GenerateCall(
          "Who?",
          true,
          false,
          new AdapterChoice(null, null, null, null),
          new SamplingChoice(false, null, null, null, null, null, null, null, null, false, null),
          new LengthChoice(1, null, List.of(), true),
          new OutputChoice(null, null, false, false, false));

  private final Gateway gateway;
  private final Farewell farewell;

  StartupRoute(Gateway gateway, Farewell farewell) {
    this.gateway = gateway;
    this.farewell = farewell;
  }

  @Override
  public void handle(RoutingContext http) {
    Rejection closed = farewell.refusal(http.request());
    Place place = closed == null ? gateway.intake().tryEnter() : null;
    if (place == null) {
      answer(http, new Outcome.Refused(closed == null ? Rejection.overloaded() : closed));
      return;
    }
    var collector = new Collector(gateway.intake());
    http.response().closeHandler(_ -> collector.cancel());
    Context context = http.vertx().getOrCreateContext();
    var _ =
        CompletableFuture.supplyAsync(
                () -> gateway.preparer().prepare(QUESTION), gateway.intake().workers())
            .thenCompose(preparation -> generate(collector, preparation))
            .whenComplete((outcome, bug) -> {
              place.close();
              context.runOnContext(_ -> {
                if (bug == null) {
                  answer(http, outcome);
                } else {
                  http.fail(bug);
                }
              });
            });
  }

  private CompletionStage<Outcome> generate(Collector collector, Preparation preparation) {
    return switch (preparation) {
      case Preparation.Refused refused ->
          CompletableFuture.completedStage(new Outcome.Refused(refused.rejection()));
      case Preparation.Prepared prepared ->
          collector.collect(prepared, Share.EQUAL, gateway.ticker().nanos());
    };
  }

  private static void answer(RoutingContext http, Outcome outcome) {
    switch (outcome) {
      case Outcome.Done _ -> http.response().end();
      case Outcome.Refused refused -> {
        // Upstream's status for whatever keeps the token from coming.
        http.response().setStatusCode(500);
        Bodies.json(http.response(), ErrorFormat.NATIVE.body(refused.rejection()));
      }
    }
  }
}
