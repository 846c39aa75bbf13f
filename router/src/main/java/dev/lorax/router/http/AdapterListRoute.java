package dev.lorax.router.http;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.lorax.router.adapter.AdapterStatus;
import io.vertx.core.Handler;
import io.vertx.ext.web.RoutingContext;
import java.io.IOException;

/** All adapters that the server knows, and where each stands. */
final class AdapterListRoute implements Handler<RoutingContext> {
  private final Gateway gateway;

  AdapterListRoute(Gateway gateway) {
    this.gateway = gateway;
  }

  @Override
  public void handle(RoutingContext http) {
    Bodies.json(
        http.response(),
        Json.write(json -> {
          json.writeArrayFieldStart("adapters");
          for (AdapterStatus adapter : gateway.loop().status().adapters()) {
            if (!adapter.key().isBase()) {
              json.writeStartObject();
              write(json, adapter);
              json.writeEndObject();
            }
          }
          json.writeEndArray();
        }));
  }

  /** The fields of one adapter; secrets are not among them. */
  static void write(JsonGenerator json, AdapterStatus adapter) throws IOException {
    json.writeStringField("id", adapter.key().label());
    json.writeStringField(
        "source", adapter.key().source() == null ? null : adapter.key().source().label());
    json.writeBooleanField("with_token", adapter.key().token() != null);
    json.writeStringField("state", adapter.phase().label());
    json.writeStringField("failure", adapter.failure());
    json.writeBooleanField("pinned", adapter.pinned());
    json.writeFieldName("memory_fraction");
    json.writeNumber(adapter.memoryFraction());
    if (adapter.facts() == null) {
      json.writeNullField("rank");
      json.writeNullField("bytes");
    } else {
      json.writeNumberField("rank", adapter.facts().rank());
      json.writeNumberField("bytes", adapter.facts().bytes());
    }
  }
}
