package dev.lorax.router.http;

import dev.lorax.router.adapter.AdapterKey;
import dev.lorax.router.adapter.AdapterStatus;
import dev.lorax.router.batching.AdapterOrder;
import dev.lorax.router.generation.Rejection;
import dev.lorax.router.request.GenerateCall.AdapterChoice;
import io.vertx.core.Context;
import io.vertx.core.Handler;
import io.vertx.core.buffer.Buffer;
import io.vertx.ext.web.RoutingContext;

/**
 * Loads, pins or unloads an adapter without a request for a generation. It answers as soon as the
 * order has been taken, with the adapter as it stands then; the list shows how it goes on.
 */
final class AdapterOrderRoute implements Handler<RoutingContext> {
  private static final int ACCEPTED = 202;

  private final Gateway gateway;
  private final boolean unload;

  AdapterOrderRoute(Gateway gateway, boolean unload) {
    this.gateway = gateway;
    this.unload = unload;
  }

  @Override
  public void handle(RoutingContext http) {
    if (!Bodies.isJson(http.request())) {
      http.fail(415);
      return;
    }
    Buffer body = http.body().buffer() == null ? Buffer.buffer() : http.body().buffer();
    try {
      JsonFields fields = JsonFields.of(Json.parse(body));
      AdapterChoice choice =
          new AdapterChoice(
              fields.requiredText("adapter_id"),
              fields.text("adapter_source"),
              null,
              fields.text("api_token"));
      String problem = gateway.preparer().problem(choice);
      AdapterKey key = problem == null ? gateway.preparer().adapter(choice) : AdapterKey.BASE;
      if (problem != null || key.isBase()) {
        refuse(
            http,
            Rejection.validation(problem == null ? "`adapter_id` must name an adapter" : problem));
        return;
      }
      order(http, key, kind(fields));
    } catch (Json.MalformedException e) {
      refuse(http, e.rejection());
    } catch (FieldException e) {
      refuse(http, new Rejection(Rejection.Kind.ILL_TYPED, e.problem()));
    }
  }

  private AdapterOrder.Kind kind(JsonFields fields) throws FieldException {
    if (unload) {
      return AdapterOrder.Kind.UNLOAD;
    }
    return fields.flag("pin") ? AdapterOrder.Kind.PIN : AdapterOrder.Kind.LOAD;
  }

  private void order(RoutingContext http, AdapterKey key, AdapterOrder.Kind kind) {
    Context context = http.vertx().getOrCreateContext();
    var order = new AdapterOrder(key, kind);
    if (!gateway.loop().order(order)) {
      refuse(http, Rejection.overloaded());
      return;
    }
    var _ =
        order
            .outcome()
            .thenAccept(outcome ->
                context.runOnContext(_ -> {
                  switch (outcome) {
                    case AdapterOrder.Outcome.Taken taken -> answer(http, taken.status());
                    case AdapterOrder.Outcome.Refused refused -> refuse(http, refused.rejection());
                  }
                }));
  }

  private static void answer(RoutingContext http, AdapterStatus status) {
    http.response().setStatusCode(ACCEPTED);
    Bodies.json(http.response(), Json.write(json -> AdapterListRoute.write(json, status)));
  }

  private static void refuse(RoutingContext http, Rejection rejection) {
    Bodies.refuse(http.response(), ErrorFormat.NATIVE, rejection);
  }
}
