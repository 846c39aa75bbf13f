package dev.lorax.router.http;

import dev.lorax.router.batching.Share;
import dev.lorax.router.encoding.EncodingTask;
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
import dev.lorax.router.request.TextCall;
import dev.lorax.router.request.TextCall.TextInput;
import dev.lorax.router.request.TextCollector;
import dev.lorax.router.request.TextPreparation;
import io.vertx.core.Context;
import io.vertx.core.Handler;
import io.vertx.ext.web.RoutingContext;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/** Asks for one token or text on the whole way that a request takes; says whether it came. */
final class StartupRoute implements Handler<RoutingContext> {
  private static final AdapterChoice NO_ADAPTER = new AdapterChoice(null, null, null, null);

  /** Upstream's text for a model that generates nothing. */
  private static final TextInput TEXT = new TextInput.Words("San Francisco");

  /** Upstream's question. */
  private static final GenerateCall QUESTION =
      new GenerateCall(
          "Who?",
          true,
          false,
          NO_ADAPTER,
          new SamplingChoice(
              false, null, null, null, null, null, null, null, null, false, false, null),
          new LengthChoice(1, null, List.of(), true),
          new OutputChoice(null, false, null, false, false, false));

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
      answer(http, Optional.of(closed == null ? Rejection.overloaded() : closed));
      return;
    }
    Context context = http.vertx().getOrCreateContext();
    var _ =
        attempt(http)
            .whenComplete((refusal, bug) -> {
              place.close();
              context.runOnContext(_ -> {
                if (bug == null) {
                  answer(http, refusal);
                } else {
                  http.fail(bug);
                }
              });
            });
  }

  /** Why no answer came, or nothing. */
  private CompletionStage<Optional<Rejection>> attempt(RoutingContext http) {
    return gateway.texts().abilities().generates() ? generate(http) : encode(http);
  }

  private CompletionStage<Optional<Rejection>> generate(RoutingContext http) {
    var collector = new Collector(gateway.intake());
    http.response().closeHandler(_ -> collector.cancel());
    return CompletableFuture.supplyAsync(
            () -> gateway.preparer().prepare(QUESTION), gateway.intake().workers())
        .thenCompose(preparation ->
            switch (preparation) {
              case Preparation.Refused refused ->
                  CompletableFuture.completedStage(new Outcome.Refused(refused.rejection()));
              case Preparation.Prepared prepared ->
                  collector.collect(prepared, Share.EQUAL, gateway.ticker().nanos(), null);
            })
        .thenApply(outcome ->
            switch (outcome) {
              case Outcome.Done _ -> Optional.empty();
              case Outcome.Refused refused -> Optional.of(refused.rejection());
            });
  }

  private CompletionStage<Optional<Rejection>> encode(RoutingContext http) {
    EncodingTask task =
        gateway.texts().abilities().embeds() ? EncodingTask.EMBED : EncodingTask.CLASSIFY;
    var call = new TextCall(task, "inputs", List.of(TEXT), NO_ADAPTER);
    var collector =
        new TextCollector(gateway.texts().loop(), gateway.facts().limits(), gateway.ticker());
    http.response().closeHandler(_ -> collector.cancel());
    return CompletableFuture.supplyAsync(
            () -> gateway.texts().preparer().prepare(call), gateway.intake().workers())
        .thenCompose(preparation ->
            switch (preparation) {
              case TextPreparation.Refused refused ->
                  CompletableFuture.completedStage(
                      new TextCollector.Outcome.Refused(refused.rejection()));
              case TextPreparation.Prepared prepared ->
                  collector.collect(prepared, Share.EQUAL, gateway.ticker().nanos(), null);
            })
        .thenApply(outcome ->
            switch (outcome) {
              case TextCollector.Outcome.Done _ -> Optional.empty();
              case TextCollector.Outcome.Refused refused -> Optional.of(refused.rejection());
            });
  }

  private static void answer(RoutingContext http, Optional<Rejection> refusal) {
    if (refusal.isEmpty()) {
      http.response().end();
      return;
    }
    // Upstream's status for whatever keeps the answer from coming.
    http.response().setStatusCode(500);
    Bodies.json(http.response(), ErrorFormat.NATIVE.body(refusal.get()));
  }
}
