package dev.lorax.crds.compatibility;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Two versions of a CustomResourceDefinition: names, versions, subresources and schemas. */
final class CrdComparison {

  private static final String KEEP = "keep it as it was";

  private CrdComparison() {}

  /** What breaks for those who use the earlier one when the later one takes its place. */
  static List<Break> of(JsonNode earlier, JsonNode later) {
    List<Break> breaks = new ArrayList<>();
    for (String part :
        List.of("/spec/group", "/spec/scope", "/spec/names/kind", "/spec/names/plural")) {
      if (!earlier.at(part).equals(later.at(part))) {
        breaks.add(
            new Break(
                part.substring(1).replace('/', '.'),
                "changes from %s to %s, and every manifest and client misses it"
                    .formatted(earlier.at(part), later.at(part)),
                KEEP));
      }
    }
    shortNames(earlier, later, breaks);
    for (JsonNode version : earlier.at("/spec/versions")) {
      version(version, named(later, version.path("name").asText()), breaks);
    }
    return List.copyOf(breaks);
  }

  private static void shortNames(JsonNode earlier, JsonNode later, List<Break> breaks) {
    Set<String> kept = new HashSet<>();
    later.at("/spec/names/shortNames").forEach(name -> kept.add(name.asText()));
    for (JsonNode name : earlier.at("/spec/names/shortNames")) {
      if (!kept.contains(name.asText())) {
        breaks.add(
            new Break(
                "spec.names.shortNames",
                "loses " + name + ", which people and scripts type",
                KEEP));
      }
    }
  }

  private static JsonNode named(JsonNode crd, String name) {
    for (JsonNode version : crd.at("/spec/versions")) {
      if (version.path("name").asText().equals(name)) {
        return version;
      }
    }
    return crd.path("none");
  }

  private static void version(JsonNode earlier, JsonNode later, List<Break> breaks) {
    String name = earlier.path("name").asText();
    if (!later.path("served").asBoolean()) {
      breaks.add(
          new Break(
              "version " + name,
              "is not served any more, and its clients get 404",
              "serve it until nobody uses it, with a conversion if the storage version is another"));
      return;
    }
    JsonNode subresources = earlier.path("subresources");
    subresources
        .properties()
        .forEach(subresource -> {
          if (!subresource
              .getValue()
              .equals(later.path("subresources").get(subresource.getKey()))) {
            breaks.add(
                new Break(
                    "version %s, subresource %s".formatted(name, subresource.getKey()),
                    "is gone or has other paths, and autoscalers and controllers stop working",
                    KEEP));
          }
        });
    // The name of the kind is what a path begins with in messages of the API server, too.
    earlier
        .at("/schema/openAPIV3Schema/properties")
        .properties()
        .forEach(part ->
            breaks.addAll(
                SchemaComparison.of(
                    part.getKey(),
                    part.getValue(),
                    later.at("/schema/openAPIV3Schema/properties").path(part.getKey()))));
  }
}
