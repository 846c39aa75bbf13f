package dev.lorax.router.access;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** The form of the file with API keys: {@code {"keys": [{"name": ..., "sha256": ..., ...}]}}. */
final class ApiKeysFile {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Pattern SHA256 = Pattern.compile("[0-9a-f]{64}");
  private static final Set<String> FIELDS =
      Set.of(
          "name",
          "sha256",
          "adapters",
          "requests_per_minute",
          "tokens_per_minute",
          "weight",
          "admin");

  private ApiKeysFile() {}

  static List<ApiKey> parse(String text) throws ApiKeysException {
    JsonNode keys;
    try {
      keys = JSON.readTree(text).path("keys");
    } catch (JsonProcessingException e) {
      // Its own message would show a part of the file.
      throw new ApiKeysException("expected a JSON object, got something else", e);
    }
    if (!keys.isArray()) {
      throw new ApiKeysException("expected an object with an array `keys`");
    }
    var parsed = new ArrayList<ApiKey>();
    var names = new HashSet<String>();
    var hashes = new HashSet<String>();
    for (int i = 0; i < keys.size(); i++) {
      ApiKey key = key(keys.get(i), "keys[%d]".formatted(i));
      if (!names.add(key.name()) || !hashes.add(key.sha256())) {
        throw new ApiKeysException("`keys[%d]` repeats a name or a hash".formatted(i));
      }
      parsed.add(key);
    }
    return parsed;
  }

  private static ApiKey key(JsonNode node, String place) throws ApiKeysException {
    for (var fields = node.fieldNames(); fields.hasNext(); ) {
      String field = fields.next();
      expect(FIELDS.contains(field), place + "." + field, "one of " + FIELDS);
    }
    String name = node.path("name").asText();
    expect(!name.isEmpty(), place + ".name", "a name");
    String sha256 = node.path("sha256").asText();
    expect(SHA256.matcher(sha256).matches(), place + ".sha256", "64 hexadecimal digits");
    JsonNode weight = node.path("weight");
    expect(
        weight.isMissingNode() || (weight.floatValue() > 0 && Float.isFinite(weight.floatValue())),
        place + ".weight",
        "a positive number");
    JsonNode admin = node.path("admin");
    expect(admin.isMissingNode() || admin.isBoolean(), place + ".admin", "true or false");
    return new ApiKey(
        name,
        sha256,
        adapters(node.path("adapters"), place + ".adapters"),
        rate(node.path("requests_per_minute"), place + ".requests_per_minute"),
        rate(node.path("tokens_per_minute"), place + ".tokens_per_minute"),
        weight.isMissingNode() ? 1 : weight.floatValue(),
        admin.asBoolean());
  }

  private static @Nullable List<String> adapters(JsonNode node, String place)
      throws ApiKeysException {
    if (node.isMissingNode()) {
      return null;
    }
    expect(node.isArray(), place, "an array of adapter ids");
    var ids = new ArrayList<String>();
    for (JsonNode id : node) {
      expect(id.isTextual(), place, "an array of adapter ids");
      ids.add(id.textValue());
    }
    return ids;
  }

  private static @Nullable Integer rate(JsonNode node, String place) throws ApiKeysException {
    expect(
        node.isMissingNode() || (node.canConvertToInt() && node.intValue() > 0),
        place,
        "a positive integer");
    return node.isMissingNode() ? null : node.intValue();
  }

  private static void expect(boolean holds, String place, String expected) throws ApiKeysException {
    if (!holds) {
      throw new ApiKeysException("`%s`: expected %s".formatted(place, expected));
    }
  }
}
