package dev.lorax.crds.v1alpha1;

import static java.util.stream.Collectors.joining;

import com.fasterxml.jackson.databind.JsonNode;
import io.fabric8.kubernetes.api.model.apiextensions.v1.CustomResourceDefinition;
import io.fabric8.kubernetes.api.model.apiextensions.v1.JSONSchemaProps;
import io.fabric8.kubernetes.api.model.apiextensions.v1.ValidationRule;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** The reference of {@link LoraxServer} for people, from its schema: a table for each object. */
final class ReferencePage {

  /** Its parts are Kubernetes' own and described there. */
  private static final String AFFINITY = "spec.podTemplate.affinity";

  private final StringBuilder page = new StringBuilder();

  private ReferencePage() {}

  static String of(CustomResourceDefinition definition) {
    var root = definition.getSpec().getVersions().get(0).getSchema().getOpenAPIV3Schema();
    var reference = new ReferencePage();
    reference.page.append(
        """
        # LoraxServer: every field

        <!-- Made from the schema by `mvn -pl crds test -Dgolden.update=true`; do not edit. -->

        `lorax.dev/v1alpha1`, short `lxs`. `kubectl explain loraxserver.spec --recursive` says the same on a cluster.
        %s
        """
            .formatted(root.getDescription()));
    for (String part : List.of("spec", "status")) {
      reference.object(part, ManifestGenerator.property(root, part));
    }
    return reference.page.toString();
  }

  private void object(String path, JSONSchemaProps schema) {
    page.append("\n## ").append(path).append('\n');
    if (schema.getDescription() != null) {
      page.append(escaped(schema.getDescription())).append('\n');
    }
    page.append("\n| field | type | default | |\n|---|---|---|---|\n");
    var required = Optional.ofNullable(schema.getRequired()).orElse(List.of());
    var fields = new TreeMap<>(schema.getProperties());
    fields.forEach((name, field) -> row(name, field, required.contains(name)));
    rules(schema);
    for (Map.Entry<String, JSONSchemaProps> field : fields.entrySet()) {
      String below = path + "." + field.getKey();
      if (!below.equals(AFFINITY)) {
        parts(below, field.getValue());
      }
    }
  }

  private void parts(String path, JSONSchemaProps field) {
    if (field.getProperties() != null && !field.getProperties().isEmpty()) {
      object(path, field);
    } else if (field.getItems() != null && isObject(field.getItems().getSchema())) {
      object(path + "[]", field.getItems().getSchema());
    }
  }

  private void row(String name, JSONSchemaProps field, boolean required) {
    page.append(
        "| `%s`%s | %s | %s | %s |%n"
            .formatted(
                name,
                required ? " (required)" : "",
                type(field),
                standard(field),
                escaped(Optional.ofNullable(field.getDescription()).orElse(""))));
  }

  /** What must hold besides the types; those that compare with the former object come last. */
  private void rules(JSONSchemaProps schema) {
    List<String> rules = new ArrayList<>();
    for (ValidationRule rule :
        Optional.ofNullable(schema.getXKubernetesValidations()).orElse(List.of())) {
      if (rule.getMessage() != null) {
        rules.add("- " + escaped(rule.getMessage()));
      }
    }
    if (!rules.isEmpty()) {
      page.append("\nRefused with the words:\n\n").append(String.join("\n", rules)).append('\n');
    }
  }

  private static String type(JSONSchemaProps field) {
    if (field.getEnum() != null && !field.getEnum().isEmpty()) {
      return field.getEnum().stream().map(JsonNode::asText).collect(joining(", "));
    }
    if (Boolean.TRUE.equals(field.getXKubernetesIntOrString())) {
      return "quantity";
    }
    if (field.getItems() != null) {
      return "list of " + type(field.getItems().getSchema());
    }
    return field.getAdditionalProperties() == null
        ? field.getType() + bounds(field)
        : "map to " + type(field.getAdditionalProperties().getSchema());
  }

  private static String bounds(JSONSchemaProps field) {
    if (field.getMinimum() == null || field.getMaximum() == null) {
      return "";
    }
    return ", %d to %d".formatted(field.getMinimum().longValue(), field.getMaximum().longValue());
  }

  /** Defaults of objects say only that their fields have some. */
  private static String standard(JSONSchemaProps field) {
    JsonNode standard = field.getDefault();
    return standard == null || standard.isObject() ? "" : "`" + standard.asText() + "`";
  }

  private static boolean isObject(JSONSchemaProps schema) {
    return schema.getProperties() != null && !schema.getProperties().isEmpty();
  }

  private static String escaped(String text) {
    return text.replace("|", "\\|").replace("<", "&lt;");
  }
}
