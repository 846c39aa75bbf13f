package dev.lorax.operator;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.DeserializationContext;
import com.fasterxml.jackson.databind.JsonDeserializer;
import com.fasterxml.jackson.databind.util.TokenBuffer;
import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.api.model.KubernetesResource;
import io.fabric8.kubernetes.api.model.runtime.RawExtension;
import io.fabric8.kubernetes.client.utils.KubernetesSerialization;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Reads the object of a watch's event as what its kind is. The client's own reader makes a tree of
 * all of it first, {@code managedFields} too, to look for its kind. The API server says version and
 * kind first, so here the rest is read as it comes; only where they stand elsewhere is what comes
 * before them kept.
 */
final class ObjectOfEvent extends JsonDeserializer<Object> {

  private static final String API_VERSION = "apiVersion";
  private static final String KIND = "kind";

  @Override
  public Object deserialize(JsonParser json, DeserializationContext context) throws IOException {
    var names = new LinkedHashMap<String, String>();
    JsonToken token = json.nextToken();
    while (token == JsonToken.FIELD_NAME && isName(json.currentName())) {
      String name = json.currentName();
      json.nextToken();
      names.put(name, json.getText());
      token = json.nextToken();
    }
    Class<? extends KubernetesResource> type = type(names, context);
    return type == RawExtension.class || type == GenericKubernetesResource.class
        ? withAllNames(json, names, context)
        // An object of a class of its own says by itself what it is.
        : context
            .findContextualValueDeserializer(context.constructType(type), null)
            .deserialize(json, context);
  }

  private static boolean isName(String field) {
    return field.equals(API_VERSION) || field.equals(KIND);
  }

  /** Reads an object of which {@code names} have been read, and {@code json} is at what follows. */
  private static Object withAllNames(
      JsonParser json, Map<String, String> names, DeserializationContext context)
      throws IOException {
    var object = new TokenBuffer(json, context);
    object.writeStartObject();
    for (var name : names.entrySet()) {
      object.writeStringField(name.getKey(), name.getValue());
    }
    while (json.currentToken() == JsonToken.FIELD_NAME) {
      String field = json.currentName();
      json.nextToken();
      if (isName(field)) {
        names.put(field, json.getText());
      }
      object.writeFieldName(field);
      object.copyCurrentStructure(json);
      json.nextToken();
    }
    object.writeEndObject();
    JsonParser whole = object.asParserOnFirstToken();
    return context.readValue(whole, type(names, context));
  }

  /** As the client's own reader chooses it. */
  private static Class<? extends KubernetesResource> type(
      Map<String, String> names, DeserializationContext context) throws IOException {
    String apiVersion = names.get(API_VERSION);
    String kind = names.get(KIND);
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
