package dev.lorax.crds.v1alpha1;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.fabric8.kubernetes.api.model.apiextensions.v1.CustomResourceColumnDefinition;
import io.fabric8.kubernetes.api.model.apiextensions.v1.CustomResourceDefinition;
import io.fabric8.kubernetes.api.model.apiextensions.v1.JSONSchemaProps;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class ManifestTest {

  private static final Path MANIFEST = Path.of("manifests", "loraxservers.lorax.dev.yaml");

  private static final Path REFERENCE = Path.of("..", "docs", "loraxserver.md");

  @TempDir Path directory;

  @Test
  void committed_manifest_is_what_the_types_generate() throws IOException {
    // given
    String generated = ManifestGenerator.generateInto(directory);

    // when
    if (Boolean.getBoolean("golden.update")) {
      Files.createDirectories(MANIFEST.getParent());
      Files.writeString(MANIFEST, generated);
    }

    // then
    assertThat(Files.readString(MANIFEST))
        .as("crds/%s; write it anew with: mvn -pl crds test -Dgolden.update=true", MANIFEST)
        .isEqualTo(generated);
  }

  @Test
  void committed_reference_is_what_the_schema_says() throws IOException {
    // given
    String reference = ReferencePage.of(definition());

    // when
    if (Boolean.getBoolean("golden.update")) {
      Files.writeString(REFERENCE, reference);
    }

    // then
    assertThat(Files.readString(REFERENCE))
        .as("%s; write it anew with: mvn -pl crds test -Dgolden.update=true", REFERENCE)
        .isEqualTo(reference);
  }

  @Test
  void every_property_of_ours_is_described() throws IOException {
    // given
    var schema = definition().getSpec().getVersions().get(0).getSchema().getOpenAPIV3Schema();

    // when
    var undescribed = new ArrayList<String>();
    for (String part : List.of("spec", "status")) {
      collectUndescribed(part, ManifestGenerator.property(schema, part), undescribed);
    }

    // then
    assertThat(undescribed).isEmpty();
  }

  @Test
  void declared_defaults_are_those_of_the_types() throws IOException {
    // given
    var spec = definition().getSpec().getVersions().get(0).getSchema().getOpenAPIV3Schema();
    var declared = Serialization.jsonMapper().createObjectNode();
    putDefaults(ManifestGenerator.property(spec, "spec"), declared);

    // when
    var empty = Serialization.unmarshal("{}", LoraxServerSpec.class);

    // then
    assertThat(Serialization.jsonMapper().<JsonNode>valueToTree(empty)).isEqualTo(declared);
  }

  @Test
  void path_inside_a_claim_defaults_to_its_root() {
    // when
    var claim = Serialization.unmarshal("claimName: models", Claim.class);

    // then
    assertThat(claim.path()).isEmpty();
  }

  @Test
  void columns_read_from_the_model_to_the_age() throws IOException {
    // given
    var version = definition().getSpec().getVersions().get(0);

    // when
    var columns =
        version.getAdditionalPrinterColumns().stream()
            .filter(column -> column.getPriority() == null || column.getPriority() == 0)
            .map(CustomResourceColumnDefinition::getName);

    // then
    assertThat(columns).containsExactly("Model", "Replicas", "Ready", "Adapters", "Status", "Age");
  }

  @Test
  void scale_subresource_names_all_three_paths() throws IOException {
    // given
    var version = definition().getSpec().getVersions().get(0);

    // when
    var scale = version.getSubresources().getScale();

    // then
    assertThat(scale.getSpecReplicasPath()).isEqualTo(".spec.replicas");
    assertThat(scale.getStatusReplicasPath()).isEqualTo(".status.replicas");
    assertThat(scale.getLabelSelectorPath()).isEqualTo(".status.selector");
  }

  private CustomResourceDefinition definition() throws IOException {
    return Serialization.unmarshal(
        ManifestGenerator.generateInto(directory), CustomResourceDefinition.class);
  }

  /** Defaults of the leaves, nested as an API server would fill them into an empty object. */
  private static void putDefaults(JSONSchemaProps schema, ObjectNode into) {
    schema
        .getProperties()
        .forEach((name, property) -> {
          if (property.getDefault() instanceof ObjectNode) {
            putDefaults(property, into.putObject(name));
          } else if (property.getDefault() != null) {
            into.set(name, property.getDefault());
          }
        });
  }

  private static void collectUndescribed(String path, JSONSchemaProps schema, List<String> into) {
    if (schema.getProperties() == null) {
      return;
    }
    schema
        .getProperties()
        .forEach((name, property) -> {
          String propertyPath = path + "." + name;
          // Its parts are Kubernetes' own.
          if (propertyPath.startsWith("spec.podTemplate.affinity.")) {
            return;
          }
          if (property.getDescription() == null) {
            into.add(propertyPath);
          }
          collectUndescribed(propertyPath, property, into);
        });
  }
}
