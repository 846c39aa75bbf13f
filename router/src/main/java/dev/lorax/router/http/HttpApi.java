package dev.lorax.router.http;

import dev.lorax.router.generation.ChatTemplate;
import dev.lorax.router.tokenizer.PromptTokenizer;
import io.vertx.core.Handler;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpVersion;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import io.vertx.ext.web.handler.BodyHandler;
import java.time.InstantSource;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Which path leads where. Immutable; every event loop builds a router of its own from it. */
final class HttpApi {
  private static final Logger LOG = LoggerFactory.getLogger(HttpApi.class);
  private static final int MOST_BODY_BYTES = 2 * 1024 * 1024;
  private static final String OPENAI_PREFIX = "/v1/";
  private static final Map<Integer, String> REFUSALS =
      Map.of(
          400, "the request cannot be read",
          403, "pages of this origin may not ask; see --cors-allow-origin",
          404, "no such path",
          405, "this path does not know the request's method",
          408, "the body of the request did not arrive in time",
          413, "the request body is larger than " + MOST_BODY_BYTES + " bytes",
          415, "expected a request with `Content-Type: application/json`");

  private final Gateway gateway;
  private final Farewell farewell;
  private final PromptTokenizer tokenizer;
  private final ChatTemplate chatTemplate;
  private final InstantSource clock;
  private final HttpSettings settings;

  HttpApi(
      Gateway gateway,
      Farewell farewell,
      PromptTokenizer tokenizer,
      ChatTemplate chatTemplate,
      InstantSource clock,
      HttpSettings settings) {
    this.gateway = gateway;
    this.farewell = farewell;
    this.tokenizer = tokenizer;
    this.chatTemplate = chatTemplate;
    this.clock = clock;
    this.settings = settings;
  }

  /** The routes of the event loop that calls. */
  Router router(Vertx vertx) {
    Router router = Router.router(vertx);
    router.route().handler(HttpApi::watch);
    router.route().handler(RequestId::give);
    router.route().handler(farewell::greet);
    router.route().handler(settings.crossOrigin().handler());
    guard(router);
    reading(router);
    asking(router, new Handover(vertx.getOrCreateContext()));
    for (int status : REFUSALS.keySet()) {
      router.errorHandler(status, http -> refuse(http, status));
    }
    router.errorHandler(500, HttpApi::confess);
    // What the body handler calls the departure of a client; unheard, it would be logged as an
    // error.
    router.errorHandler(200, _ -> {});
    return router;
  }

  /** What tells of tenants or costs; generations ask for keys themselves. */
  private void guard(Router router) {
    router.route("/adapters*").handler(new KeyGuard(gateway, ErrorFormat.NATIVE, true));
    router.route("/tokenize").handler(new KeyGuard(gateway, ErrorFormat.NATIVE, false));
    router.route("/v1/models").handler(new KeyGuard(gateway, ErrorFormat.OPENAI, false));
  }

  private void reading(Router router) {
    var health = new HealthRoute(gateway);
    router.get("/health").handler(health);
    router.get("/ping").handler(health);
    router.get("/").handler(health);
    router.get("/info").handler(new InfoRoute(gateway));
    router
        .get("/metrics")
        .handler(http ->
            http.response()
                .putHeader("content-type", "text/plain; version=0.0.4")
                .end(gateway.metrics().print()));
    router.get("/startup").handler(new StartupRoute(gateway, farewell));
    router.get("/adapters").handler(new AdapterListRoute(gateway));
    var document = ResourceRoute.of("openapi.json", "application/json");
    router.get("/openapi.json").handler(document);
    // Where upstream has its own.
    router.get("/api-doc/openapi.json").handler(document);
    router.get("/docs").handler(ResourceRoute.of("docs.html", "text/html; charset=utf-8"));
    router.get("/v1/models").handler(new ModelsRoute(gateway, clock.instant().getEpochSecond()));
  }

  private void asking(Router router, Handover handover) {
    post(router, "/", new GenerationRoute(gateway, farewell, handover, NativeDialect.COMPATIBLE));
    post(
        router,
        "/invocations",
        new GenerationRoute(gateway, farewell, handover, NativeDialect.COMPATIBLE));
    post(
        router,
        "/generate",
        new GenerationRoute(gateway, farewell, handover, NativeDialect.GENERATE));
    post(
        router,
        "/generate_stream",
        new GenerationRoute(gateway, farewell, handover, NativeDialect.GENERATE_STREAM));
    texts(router);
    post(router, "/tokenize", new TokenizeRoute(gateway, tokenizer));
    post(router, "/adapters/load", new AdapterOrderRoute(gateway, false));
    post(router, "/adapters/unload", new AdapterOrderRoute(gateway, true));
    String model = gateway.facts().modelId();
    var chat = new ChatDialect(model, chatTemplate, gateway.intake().workers(), clock);
    post(router, "/v1/chat/completions", new GenerationRoute(gateway, farewell, handover, chat));
    var completions = new CompletionsDialect(model, clock);
    post(router, "/v1/completions", new GenerationRoute(gateway, farewell, handover, completions));
  }

  private void texts(Router router) {
    post(router, "/embed", new TextRoute(gateway, farewell, new EmbedDialect()));
    var embeddings = new EmbeddingsDialect(gateway.facts().modelId());
    post(router, "/v1/embeddings", new TextRoute(gateway, farewell, embeddings));
    var kind = gateway.texts().abilities().classification();
    var one = new ClassifyDialect(kind, false);
    post(router, "/classify", new TextRoute(gateway, farewell, one));
    var many = new ClassifyDialect(kind, true);
    post(router, "/classify_batch", new TextRoute(gateway, farewell, many));
  }

  /** Tells the connection's guard of the request. */
  private static void watch(RoutingContext http) {
    ConnectionGuard guard = ConnectionGuard.of(http.request().connection());
    guard.began(http.request().version() == HttpVersion.HTTP_2);
    http.addEndHandler(_ -> guard.ended());
    if (!http.response().writeQueueFull()) {
      http.next();
      return;
    }
    // Who asks on and on and reads nothing would have us keep all the answers.
    http.request().pause();
    http.response()
        .drainHandler(_ -> {
          http.request().resume();
          http.next();
        });
  }

  private void post(Router router, String path, Handler<RoutingContext> handler) {
    router
        .post(path)
        .handler(new BodyDeadline(settings.patience().request(), gateway.metrics()))
        .handler(BodyHandler.create(false).setBodyLimit(MOST_BODY_BYTES))
        .handler(BodyDeadline::met)
        .handler(handler);
  }

  private static void refuse(RoutingContext http, int status) {
    if (!http.response().headWritten()) {
      String message = REFUSALS.getOrDefault(status, "the request was refused");
      http.response().setStatusCode(status);
      Bodies.json(http.response(), errors(http).body(message, "bad_request"));
    }
  }

  private static void confess(RoutingContext http) {
    LOG.atError()
        .addKeyValue("request", RequestId.of(http))
        .setCause(http.failure())
        .log("bug in a route");
    if (!http.response().headWritten()) {
      http.response().setStatusCode(500);
      Bodies.json(http.response(), errors(http).body("internal error", "internal"));
    }
  }

  private static ErrorFormat errors(RoutingContext http) {
    String path = http.request().path();
    return path != null && path.startsWith(OPENAI_PREFIX) ? ErrorFormat.OPENAI : ErrorFormat.NATIVE;
  }
}
