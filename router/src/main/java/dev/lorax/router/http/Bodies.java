package dev.lorax.router.http;

import dev.lorax.router.generation.Rejection;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Reading of request heads and writing of whole answers. */
final class Bodies {
  private static final String BEARER = "bearer ";

  private Bodies() {}

  static void json(HttpServerResponse response, Buffer body) {
    response.putHeader("content-type", "application/json").end(body);
  }

  static void refuse(HttpServerResponse response, ErrorFormat format, Rejection rejection) {
    response.setStatusCode(ErrorFormat.status(rejection.kind()));
    switch (rejection.kind()) {
      case UNAUTHORIZED -> response.putHeader("www-authenticate", "Bearer");
      case OVERLOADED, RATE_LIMITED, UNAVAILABLE ->
          response.putHeader("retry-after", String.valueOf(rejection.retryAfterSeconds()));
      case MALFORMED,
          ILL_TYPED,
          VALIDATION,
          TEMPLATE,
          FORBIDDEN,
          GENERATION,
          INCOMPLETE,
          EMBEDDING,
          CLASSIFICATION -> {}
    }
    json(response, format.body(rejection));
  }

  static boolean isJson(HttpServerRequest request) {
    String type = request.getHeader("content-type");
    if (type == null) {
      return false;
    }
    String essence = type.split(";", 2)[0].strip().toLowerCase(Locale.ROOT);
    return essence.equals("application/json")
        || (essence.startsWith("application/") && essence.endsWith("+json"));
  }

  /**
   * The token of {@code Authorization: Bearer}, or null. Also for {@code EMPTY}, which clients of
   * OpenAI's library send by custom where no key is needed: a hub would refuse it as a wrong token.
   */
  static @Nullable String bearer(HttpServerRequest request) {
    String value = request.getHeader("authorization");
    if (value == null || !value.toLowerCase(Locale.ROOT).startsWith(BEARER)) {
      return null;
    }
    String token = value.substring(BEARER.length()).strip();
    return token.isEmpty() || token.equals("EMPTY") ? null : token;
  }
}
