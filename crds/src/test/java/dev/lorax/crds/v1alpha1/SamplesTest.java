package dev.lorax.crds.v1alpha1;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** Samples that name the resource without being one. */
final class SamplesTest {

  private static final Path KEDA = Path.of("..", "docs", "samples", "keda.yaml");
  private static final Path MANIFEST = Path.of("manifests", "loraxservers.lorax.dev.yaml");

  @Test
  void keda_scales_a_resource_that_there_is_by_the_replicas_of_one_server() throws IOException {
    // given
    JsonNode scaled = read(KEDA).at("/spec");
    JsonNode crd = read(MANIFEST).at("/spec");

    // when
    JsonNode target = scaled.path("scaleTargetRef");

    // then
    assertThat(target.path("kind")).isEqualTo(crd.at("/names/kind"));
    assertThat(target.path("apiVersion").asText())
        .isEqualTo(crd.path("group").asText() + "/" + crd.at("/versions/0/name").asText());
    assertThat(crd.at("/versions/0/subresources/scale").isObject()).isTrue();
    assertThat(scaled.path("triggers"))
        .isNotEmpty()
        .allSatisfy(trigger -> {
          // An average over replicas, so that the sum of a query is divided by their number.
          assertThat(trigger.path("metricType").asText()).isEqualTo("AverageValue");
          assertThat(trigger.at("/metadata/query").asText())
              .contains("server=\"" + target.path("name").asText() + "\"");
        });
  }

  private static JsonNode read(Path file) throws IOException {
    return Serialization.unmarshal(Files.readString(file), JsonNode.class);
  }
}
