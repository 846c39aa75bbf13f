package dev.lorax.router.http;

import io.vertx.core.http.HttpMethod;
import io.vertx.ext.web.handler.CorsHandler;
import java.util.List;
import java.util.Set;

/**
 * What browsers let pages of other origins do (Cross-Origin Resource Sharing). Immutable.
 *
 * @param origins whose pages may ask; empty for all
 * @param methods that they may use
 * @param headers that they may send
 * @param exposedHeaders of answers that they may read, beside those that any may
 * @param credentials whether cookies come along; not with all origins
 */
public record CrossOrigin(
    List<String> origins,
    Set<String> methods,
    Set<String> headers,
    Set<String> exposedHeaders,
    boolean credentials) {

  public CrossOrigin {
    origins = List.copyOf(origins);
    methods = Set.copyOf(methods);
    headers = Set.copyOf(headers);
    exposedHeaders = Set.copyOf(exposedHeaders);
  }

  CorsHandler handler() {
    CorsHandler handler =
        CorsHandler.create()
            .addOrigins(origins)
            .allowedHeaders(headers)
            .allowCredentials(credentials);
    methods.forEach(method -> handler.allowedMethod(HttpMethod.valueOf(method)));
    return exposedHeaders.isEmpty() ? handler : handler.exposedHeaders(exposedHeaders);
  }
}
