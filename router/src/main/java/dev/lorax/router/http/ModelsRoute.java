package dev.lorax.router.http;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.lorax.router.adapter.AdapterKey;
import dev.lorax.router.adapter.AdapterStatus;
import dev.lorax.router.adapter.AdapterStatus.Phase;
import io.vertx.core.Handler;
import io.vertx.ext.web.RoutingContext;
import java.io.IOException;
import java.util.LinkedHashSet;

/** OpenAI's list of models: the base model and every adapter that can be asked for by name. */
final class ModelsRoute implements Handler<RoutingContext> {
  private final Gateway gateway;
  private final long createdSeconds;

  ModelsRoute(Gateway gateway, long createdSeconds) {
    this.gateway = gateway;
    this.createdSeconds = createdSeconds;
  }

  @Override
  public void handle(RoutingContext http) {
    var ids = new LinkedHashSet<String>();
    ids.add(gateway.facts().modelId());
    for (AdapterStatus adapter : gateway.loop().status().adapters()) {
      AdapterKey key = adapter.key();
      if (adapter.phase() != Phase.FAILED && !key.isBase() && listed(key)) {
        ids.add(key.label());
      }
    }
    Bodies.json(
        http.response(),
        Json.write(json -> {
          json.writeStringField("object", "list");
          json.writeArrayFieldStart("data");
          for (String id : ids) {
            write(json, id);
          }
          json.writeEndArray();
        }));
  }

  /** A merge has no name here, and what came with a token is its owner's business. */
  private static boolean listed(AdapterKey key) {
    return key.merge() == null && key.token() == null;
  }

  private void write(JsonGenerator json, String id) throws IOException {
    json.writeStartObject();
    json.writeStringField("id", id);
    json.writeStringField("object", "model");
    json.writeNumberField("created", createdSeconds);
    json.writeStringField("owned_by", "lorax");
    json.writeEndObject();
  }
}
