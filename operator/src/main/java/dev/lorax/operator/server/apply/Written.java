package dev.lorax.operator.server.apply;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import io.fabric8.kubernetes.api.model.ObjectMeta;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * What the API server says of an object that it has just written, and nobody else can know. The
 * rest of its answer is what was sent to it, with its defaults; to read all of that costs more than
 * to write it.
 */
public record Written(
    String uid, String resourceVersion, @Nullable Long generation, String creationTimestamp) {

  private static final JsonFactory FACTORY = new JsonFactory();

  /** Reads an object up to the end of its metadata, which comes first. */
  static Written read(byte[] object) throws IOException {
    try (var json = FACTORY.createParser(object)) {
      json.nextToken();
      while (json.nextToken() == JsonToken.FIELD_NAME) {
        boolean metadata = json.currentName().equals("metadata");
        json.nextToken();
        if (metadata) {
          return metadata(json);
        }
        json.skipChildren();
      }
    }
    throw new IOException("an object of the API server without metadata");
  }

  private static Written metadata(JsonParser json) throws IOException {
    String uid = "";
    String resourceVersion = "";
    String creationTimestamp = "";
    Long generation = null;
    while (json.nextToken() == JsonToken.FIELD_NAME) {
      String field = json.currentName();
      // The largest part, and of kinds that the API server knows by itself the last one.
      if (field.equals("managedFields") && !uid.isEmpty()) {
        break;
      }
      json.nextToken();
      switch (field) {
        case "uid" -> uid = json.getText();
        case "resourceVersion" -> resourceVersion = json.getText();
        case "creationTimestamp" -> creationTimestamp = json.getText();
        case "generation" -> generation = json.getLongValue();
        default -> json.skipChildren();
      }
    }
    return new Written(uid, resourceVersion, generation, creationTimestamp);
  }

  /** Notes it in the metadata of what was sent. */
  public void into(ObjectMeta metadata) {
    metadata.setUid(uid);
    metadata.setResourceVersion(resourceVersion);
    metadata.setGeneration(generation);
    metadata.setCreationTimestamp(creationTimestamp);
  }
}
