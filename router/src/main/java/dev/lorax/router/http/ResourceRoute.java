package dev.lorax.router.http;

import io.vertx.core.Handler;
import io.vertx.core.buffer.Buffer;
import io.vertx.ext.web.RoutingContext;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;

/** A file of the program, as it is. */
final class ResourceRoute implements Handler<RoutingContext> {
  private final String contentType;
  private final Buffer content;

  private ResourceRoute(String contentType, Buffer content) {
    this.contentType = contentType;
    this.content = content;
  }

  /** Reads the file once, from beside this class. */
  static ResourceRoute of(String name, String contentType) {
    try (InputStream file = ResourceRoute.class.getResourceAsStream(name)) {
      if (file == null) {
        throw new IllegalStateException("the program lacks its file " + name);
      }
      return new ResourceRoute(contentType, Buffer.buffer(file.readAllBytes()));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void handle(RoutingContext http) {
    http.response().putHeader("content-type", contentType).end(content);
  }
}
