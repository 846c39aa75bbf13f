package dev.lorax.router.http;

import io.vertx.ext.web.RoutingContext;
import java.util.HexFormat;
import java.util.Objects;
import java.util.concurrent.ThreadLocalRandom;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The name of a request, in the header {@code x-request-id} of its answer and in the log. A client
 * or proxy may choose it, so that one name goes through all of its logs.
 */
final class RequestId {
  private static final String HEADER = "x-request-id";

  /** What is safe in headers and logs; others are replaced. */
  private static final Pattern FORM = Pattern.compile("[A-Za-z0-9._-]{1,128}");

  private static final String KEY = "request-id";

  private RequestId() {}

  /** Names the request and passes it on. */
  static void give(RoutingContext http) {
    String chosen = http.request().getHeader(HEADER);
    String id = isUsable(chosen) ? chosen : random();
    http.put(KEY, id);
    http.response().putHeader(HEADER, id);
    http.next();
  }

  /** For the log. */
  static String of(RoutingContext http) {
    return Objects.requireNonNull(http.<@Nullable String>get(KEY), KEY);
  }

  private static boolean isUsable(@Nullable String chosen) {
    return chosen != null && FORM.matcher(chosen).matches();
  }

  private static String random() {
    var source = ThreadLocalRandom.current();
    HexFormat hex = HexFormat.of();
    return hex.toHexDigits(source.nextLong()) + hex.toHexDigits(source.nextLong());
  }
}
