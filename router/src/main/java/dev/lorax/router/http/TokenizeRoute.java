package dev.lorax.router.http;

import dev.lorax.router.generation.Rejection;
import dev.lorax.router.request.Place;
import dev.lorax.router.tokenizer.PromptTokenizer;
import dev.lorax.router.tokenizer.TextToken;
import io.vertx.core.Context;
import io.vertx.core.Handler;
import io.vertx.core.buffer.Buffer;
import io.vertx.ext.web.RoutingContext;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;

/** Shows how a text is cut into tokens. */
final class TokenizeRoute implements Handler<RoutingContext> {
  private final Gateway gateway;
  private final PromptTokenizer tokenizer;

  TokenizeRoute(Gateway gateway, PromptTokenizer tokenizer) {
    this.gateway = gateway;
    this.tokenizer = tokenizer;
  }

  @Override
  public void handle(RoutingContext http) {
    if (!Bodies.isJson(http.request())) {
      http.fail(415);
      return;
    }
    Place place = gateway.intake().tryEnter();
    if (place == null) {
      Bodies.refuse(http.response(), ErrorFormat.NATIVE, Rejection.overloaded());
      return;
    }
    Buffer body = http.body().buffer() == null ? Buffer.buffer() : http.body().buffer();
    Context context = http.vertx().getOrCreateContext();
    var _ =
        CompletableFuture.supplyAsync(() -> tokenize(body), gateway.intake().workers())
            .whenComplete((outcome, bug) -> {
              place.close();
              context.runOnContext(_ -> answer(http, outcome, bug));
            });
  }

  private Outcome tokenize(Buffer body) {
    try {
      JsonFields fields = JsonFields.of(Json.parse(body));
      boolean special = !fields.has("add_special_tokens") || fields.flag("add_special_tokens");
      return new Outcome.Tokens(tokenizer.tokens(fields.requiredText("inputs"), special));
    } catch (Json.MalformedException e) {
      return new Outcome.Refused(e.rejection());
    } catch (FieldException e) {
      return new Outcome.Refused(new Rejection(Rejection.Kind.ILL_TYPED, e.problem()));
    }
  }

  private static void answer(RoutingContext http, Outcome outcome, Throwable bug) {
    if (bug != null) {
      http.fail(bug);
      return;
    }
    switch (outcome) {
      case Outcome.Refused refused ->
          Bodies.refuse(http.response(), ErrorFormat.NATIVE, refused.rejection());
      case Outcome.Tokens tokens -> Bodies.json(http.response(), Buffer.buffer(array(tokens)));
    }
  }

  private static String array(Outcome.Tokens tokens) {
    return tokens.tokens().stream()
        .map(token ->
            Json.write(
                    json -> {
                      json.writeNumberField("id", token.id());
                      json.writeStringField("text", token.text());
                      json.writeNumberField("start", token.start());
                      json.writeNumberField("stop", token.stop());
                    })
                .toString())
        .collect(Collectors.joining(",", "[", "]"));
  }

  private sealed interface Outcome {
    record Tokens(List<TextToken> tokens) implements Outcome {}

    record Refused(Rejection rejection) implements Outcome {}
  }
}
