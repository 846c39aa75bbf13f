package dev.lorax.router.http;

import com.fasterxml.jackson.databind.JsonNode;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Typed access to the fields of a JSON object. A null and an absent field are the same. Immutable.
 */
final class JsonFields {
  private static final BigInteger UNSIGNED_LONG_LIMIT = BigInteger.ONE.shiftLeft(Long.SIZE);

  private final JsonNode node;
  private final String prefix;

  private JsonFields(JsonNode node, String prefix) {
    this.node = node;
    this.prefix = prefix;
  }

  static JsonFields of(JsonNode body) throws FieldException {
    if (!body.isObject()) {
      throw new FieldException("body", "an object", type(body));
    }
    return new JsonFields(body, "");
  }

  /** The fields of a nested object; of an empty one if it is absent. */
  JsonFields object(String name) throws FieldException {
    JsonNode value = node.path(name);
    if (!isGiven(value)) {
      return new JsonFields(value, path(name) + ".");
    }
    if (!value.isObject()) {
      throw new FieldException(path(name), "an object", type(value));
    }
    return new JsonFields(value, path(name) + ".");
  }

  /** The fields of each object in an array; none if it is absent. */
  List<JsonFields> objects(String name) throws FieldException {
    var objects = new ArrayList<JsonFields>();
    for (JsonNode element : array(name)) {
      String place = "%s[%d]".formatted(path(name), objects.size());
      if (!element.isObject()) {
        throw new FieldException(place, "an object", type(element));
      }
      objects.add(new JsonFields(element, place + "."));
    }
    return objects;
  }

  /** Whether there was no such object to read from. */
  boolean isAbsent() {
    return !isGiven(node);
  }

  boolean has(String name) {
    return isGiven(node.path(name));
  }

  /** The value as it is; a missing node if absent. */
  JsonNode raw(String name) {
    return node.path(name);
  }

  String requiredText(String name) throws FieldException {
    String value = text(name);
    if (value == null) {
      throw new FieldException("missing field `%s`".formatted(path(name)));
    }
    return value;
  }

  @Nullable String text(String name) throws FieldException {
    JsonNode value = node.path(name);
    if (!isGiven(value)) {
      return null;
    }
    if (!value.isTextual()) {
      throw new FieldException(path(name), "a string", type(value));
    }
    return value.textValue();
  }

  boolean flag(String name) throws FieldException {
    JsonNode value = node.path(name);
    if (!isGiven(value)) {
      return false;
    }
    if (!value.isBoolean()) {
      throw new FieldException(path(name), "a boolean", type(value));
    }
    return value.booleanValue();
  }

  @Nullable Float number(String name) throws FieldException {
    JsonNode value = node.path(name);
    if (!isGiven(value)) {
      return null;
    }
    return number(path(name), value);
  }

  @Nullable Integer integer(String name) throws FieldException {
    JsonNode value = node.path(name);
    if (!isGiven(value)) {
      return null;
    }
    if (!value.isIntegralNumber() || !value.canConvertToInt()) {
      throw new FieldException(path(name), "a 32-bit integer", shown(value));
    }
    return value.intValue();
  }

  @Nullable Integer unsigned(String name) throws FieldException {
    Integer value = integer(name);
    if (value != null && value < 0) {
      throw new FieldException(path(name), "an integer of at least 0", value.toString());
    }
    return value;
  }

  /** An unsigned 64-bit number. */
  @Nullable Long unsignedLong(String name) throws FieldException {
    JsonNode value = node.path(name);
    if (!isGiven(value)) {
      return null;
    }
    BigInteger number =
        value.isIntegralNumber() ? value.bigIntegerValue() : BigInteger.ONE.negate();
    if (number.signum() < 0 || number.compareTo(UNSIGNED_LONG_LIMIT) >= 0) {
      throw new FieldException(path(name), "an unsigned 64-bit integer", shown(value));
    }
    return number.longValue();
  }

  List<String> texts(String name) throws FieldException {
    var texts = new ArrayList<String>();
    for (JsonNode element : array(name)) {
      if (!element.isTextual()) {
        throw new FieldException(
            path(name), "an array of strings", "an element that is " + type(element));
      }
      texts.add(element.textValue());
    }
    return texts;
  }

  List<Float> numbers(String name) throws FieldException {
    var numbers = new ArrayList<Float>();
    for (JsonNode element : array(name)) {
      numbers.add(number(path(name), element));
    }
    return numbers;
  }

  private Iterable<JsonNode> array(String name) throws FieldException {
    JsonNode value = node.path(name);
    if (isGiven(value) && !value.isArray()) {
      throw new FieldException(path(name), "an array", type(value));
    }
    return value;
  }

  private static float number(String path, JsonNode value) throws FieldException {
    if (!value.isNumber() || !Float.isFinite(value.floatValue())) {
      throw new FieldException(path, "a finite number", shown(value));
    }
    return value.floatValue();
  }

  /** The name of a field as messages have it. */
  String path(String name) {
    return prefix + name;
  }

  private static boolean isGiven(JsonNode value) {
    return !value.isMissingNode() && !value.isNull();
  }

  static String shown(JsonNode value) {
    String text = value.toString();
    int longest = 40;
    return value.isNumber() && text.length() <= longest ? text : type(value);
  }

  static String type(JsonNode value) {
    String type = value.getNodeType().name().toLowerCase(Locale.ROOT);
    return switch (value.getNodeType()) {
      case ARRAY, OBJECT -> "an " + type;
      case NULL -> type;
      default -> "a " + type;
    };
  }
}
