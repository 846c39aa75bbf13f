package dev.lorax.crds.compatibility;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.BiPredicate;

/**
 * Two structural schemas, field by field. Wider is fine: a new field that may be left out, a larger
 * maximum, one more value of an enumeration. What is new altogether is not looked into.
 */
final class SchemaComparison {

  private static final String REFUSED = "objects that are valid today would be refused";
  private static final String WIDEN = "leave it as wide as it was";

  /** Keywords that allow less when the number is smaller, or when there is one at all. */
  private static final List<String> UPPER =
      List.of("maximum", "maxLength", "maxItems", "maxProperties");

  private static final List<String> LOWER =
      List.of("minimum", "minLength", "minItems", "minProperties");

  /** Keywords of which nobody can tell by looking whether another value allows less. */
  private static final List<String> OPAQUE =
      List.of("pattern", "format", "multipleOf", "exclusiveMinimum", "exclusiveMaximum", "not");

  /** Keywords by which server-side apply merges lists and maps. */
  private static final List<String> MERGING =
      List.of("x-kubernetes-list-type", "x-kubernetes-list-map-keys", "x-kubernetes-map-type");

  private final List<Break> breaks = new ArrayList<>();

  private SchemaComparison() {}

  /** What breaks between two schemas of the field at a path. */
  static List<Break> of(String path, JsonNode earlier, JsonNode later) {
    var comparison = new SchemaComparison();
    comparison.compare(path, earlier, later);
    return List.copyOf(comparison.breaks);
  }

  private void compare(String path, JsonNode earlier, JsonNode later) {
    if (!typeStays(path, earlier, later)) {
      return;
    }
    values(path, earlier, later);
    bounds(path, earlier, later, UPPER, (was, is) -> is < was, "lowered");
    bounds(path, earlier, later, LOWER, (was, is) -> is > was, "raised");
    opaque(path, earlier, later);
    openness(path, earlier, later);
    defaults(path, earlier, later);
    rules(path, earlier, later);
    required(path, earlier, later);
    parts(path, earlier, later);
  }

  private boolean typeStays(String path, JsonNode earlier, JsonNode later) {
    String was = type(earlier);
    String is = type(later);
    boolean wider =
        (was.equals("integer") && is.equals("number"))
            || (is.equals("integer or string") && (was.equals("integer") || was.equals("string")));
    if (!was.equals(is) && !wider) {
      add(
          path,
          "changes its type from %s to %s, and %s".formatted(was, is, REFUSED),
          "add a field of another name and keep this one");
      return false;
    }
    return true;
  }

  private static String type(JsonNode schema) {
    return schema.path("x-kubernetes-int-or-string").asBoolean()
        ? "integer or string"
        : schema.path("type").asText("any");
  }

  private void values(String path, JsonNode earlier, JsonNode later) {
    if (!later.has("enum")) {
      return;
    }
    if (!earlier.has("enum")) {
      add(path, "takes only %s now, and %s".formatted(later.get("enum"), REFUSED), WIDEN);
      return;
    }
    Set<String> lost = texts(earlier.get("enum"));
    lost.removeAll(texts(later.get("enum")));
    for (String value : lost) {
      add(
          path,
          "takes no %s any more, and %s".formatted(value, REFUSED),
          "keep the value and let the operator treat it as before");
    }
  }

  private void bounds(
      String path,
      JsonNode earlier,
      JsonNode later,
      List<String> keywords,
      BiPredicate<Double, Double> narrower,
      String how) {
    for (String keyword : keywords) {
      if (later.has(keyword) && !earlier.has(keyword)) {
        add(path, "gets a %s of %s, and %s".formatted(keyword, later.get(keyword), REFUSED), WIDEN);
      } else if (later.has(keyword)
          && narrower.test(earlier.get(keyword).asDouble(), later.get(keyword).asDouble())) {
        add(
            path,
            "has its %s %s from %s to %s, and %s"
                .formatted(keyword, how, earlier.get(keyword), later.get(keyword), REFUSED),
            WIDEN);
      }
    }
  }

  private void opaque(String path, JsonNode earlier, JsonNode later) {
    for (String keyword : OPAQUE) {
      if (later.has(keyword) && !later.get(keyword).equals(earlier.get(keyword))) {
        add(
            path,
            "has another %s, %s instead of %s, and objects that are valid today may be refused"
                .formatted(keyword, later.get(keyword), word(earlier.get(keyword))),
            "leave it, or show that it allows more and accept this break");
      }
    }
    for (String keyword : MERGING) {
      if (!earlier.path(keyword).equals(later.path(keyword))) {
        add(
            path,
            "has another %s, %s instead of %s, and manifests that are applied merge differently"
                .formatted(keyword, word(later.get(keyword)), word(earlier.get(keyword))),
            "leave it as it was");
      }
    }
  }

  private void openness(String path, JsonNode earlier, JsonNode later) {
    for (String keyword : List.of("nullable", "x-kubernetes-preserve-unknown-fields")) {
      if (earlier.path(keyword).asBoolean() && !later.path(keyword).asBoolean()) {
        add(path, "is not %s any more, and %s or cut".formatted(keyword, REFUSED), WIDEN);
      }
    }
  }

  private void defaults(String path, JsonNode earlier, JsonNode later) {
    if (earlier.has("default") && !earlier.get("default").equals(later.get("default"))) {
      add(
          path,
          "has another default, %s instead of %s, and servers that leave it out would change"
              .formatted(word(later.get("default")), earlier.get("default")),
          "keep the default");
    }
  }

  private void rules(String path, JsonNode earlier, JsonNode later) {
    Set<String> added = rules(later);
    added.removeAll(rules(earlier));
    for (String rule : added) {
      add(
          path,
          "has a new rule, %s, and objects that are valid today may be refused".formatted(rule),
          "let it ask for has() of a field that is new, and accept this break");
    }
  }

  private static Set<String> rules(JsonNode schema) {
    Set<String> rules = new LinkedHashSet<>();
    schema.path("x-kubernetes-validations").forEach(rule -> rules.add(rule.path("rule").asText()));
    return rules;
  }

  private void required(String path, JsonNode earlier, JsonNode later) {
    Set<String> added = texts(later.path("required"));
    added.removeAll(texts(earlier.path("required")));
    for (String name : added) {
      // The API server fills defaults in before it looks for what is missing.
      if (!later.path("properties").path(name).has("default")) {
        add(
            path + "." + name,
            "must be set now, and " + REFUSED,
            "make it optional, or give it a default that does what its absence did");
      }
    }
  }

  private void parts(String path, JsonNode earlier, JsonNode later) {
    earlier
        .path("properties")
        .properties()
        .forEach(property ->
            part(
                path + "." + property.getKey(),
                property.getValue(),
                later.path("properties").path(property.getKey())));
    for (String keyword : List.of("items", "additionalProperties")) {
      if (earlier.path(keyword).isObject()) {
        part(
            path + (keyword.equals("items") ? "[]" : ".*"),
            earlier.get(keyword),
            later.path(keyword));
      }
    }
  }

  private void part(String path, JsonNode earlier, JsonNode later) {
    if (later.isObject()) {
      compare(path, earlier, later);
    } else {
      add(
          path,
          "is gone, and the API server would drop it from objects without a word",
          "keep it, say in its description that it is deprecated and what takes its place");
    }
  }

  private void add(String path, String what, String remedy) {
    breaks.add(new Break(path, what, remedy));
  }

  private static String word(JsonNode value) {
    return value == null ? "none" : value.toString();
  }

  private static Set<String> texts(Iterable<JsonNode> values) {
    Collection<String> texts = new ArrayList<>();
    values.forEach(value -> texts.add(value.asText()));
    return new LinkedHashSet<>(texts);
  }
}
