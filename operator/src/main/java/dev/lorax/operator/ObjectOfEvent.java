package dev.lorax.operator;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.util.JsonParserSequence;
import com.fasterxml.jackson.databind.DeserializationContext;
import com.fasterxml.jackson.databind.JsonDeserializer;
import com.fasterxml.jackson.databind.util.TokenBuffer;
import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.api.model.KubernetesResource;
import io.fabric8.kubernetes.api.model.runtime.RawExtension;
import io.fabric8.kubernetes.client.utils.KubernetesSerialization;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * Reads the object of a watch's event as what its kind is. The client's own reader makes a tree of
 * all of it first, {@code managedFields} too; here only what comes before the kind is kept, and
 * that is next to nothing.
 */
final class ObjectOfEvent extends JsonDeserializer<Object> {

  @Override
  public Object deserialize(JsonParser json, DeserializationContext context) throws IOException {
    String apiVersion = null;
    String kind = null;
    var head = new TokenBuffer(json, context);
    head.copyCurrentEvent(json);
    while ((apiVersion == null || kind == null) && json.nextToken() == JsonToken.FIELD_NAME) {
      String field = json.currentName();
      json.nextToken();
      head.writeFieldName(field);
      if (field.equals("apiVersion")) {
        apiVersion = json.getText();
      } else if (field.equals("kind")) {
        kind = json.getText();
      }
      head.copyCurrentStructure(json);
    }
    if (json.currentToken() == JsonToken.END_OBJECT) {
      head.writeEndObject();
    }
    JsonParser whole =
        json.currentToken() == JsonToken.END_OBJECT
            ? head.asParser(json)
            : JsonParserSequence.createFlattened(false, head.asParser(json), json);
    whole.nextToken();
    return context.readValue(whole, type(apiVersion, kind, context));
  }

  /** As the client's own reader chooses it. */
  private static Class<? extends KubernetesResource> type(
      @Nullable String apiVersion, @Nullable String kind, DeserializationContext context)
      throws IOException {
    if (apiVersion == null || kind == null) {
      return RawExtension.class;
    }
    var kinds =
        (KubernetesSerialization)
            context.findInjectableValue(KubernetesSerialization.class.getName(), null, null);
    var type = kinds.getRegisteredKubernetesResource(apiVersion, kind);
    return type == null ? GenericKubernetesResource.class : type;
  }
}
