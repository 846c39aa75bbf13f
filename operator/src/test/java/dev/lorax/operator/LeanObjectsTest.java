package dev.lorax.operator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.lorax.crds.v1alpha1.LoraxServer;
import dev.lorax.operator.server.manifest.ManifestGoldenTest;
import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.ObjectMeta;
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.fabric8.kubernetes.api.model.Status;
import io.fabric8.kubernetes.api.model.WatchEvent;
import io.fabric8.kubernetes.api.model.runtime.RawExtension;
import io.fabric8.kubernetes.client.utils.KubernetesSerialization;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

final class LeanObjectsTest {

  private static final ObjectMapper JSON = new ObjectMapper();

  private final KubernetesSerialization lean = LeanObjects.serialization();
  private final KubernetesSerialization usual = new KubernetesSerialization();

  @TestFactory
  Stream<DynamicTest> reads_the_objects_of_events_as_the_client_does() throws IOException {
    return GoldenFile.outputs(ManifestGoldenTest.class)
        .map(file -> dynamicTest(file.toString(), () -> assertSame(file)));
  }

  private void assertSame(Path file) throws IOException {
    // given
    HasMetadata object = Serialization.unmarshal(Files.readString(file));
    String event = event(JSON.writeValueAsString(object));

    // when, then
    assertThat(read(event)).isEqualTo(object).hasSameClassAs(object);
    assertThat(lean.unmarshal(event, WatchEvent.class).getType()).isEqualTo("MODIFIED");
  }

  @Test
  void reads_a_server_as_one_and_not_as_a_tree() throws IOException {
    // given
    for (Path directory : GoldenFile.cases(ManifestGoldenTest.class)) {
      LoraxServer server = GoldenFile.read(directory.resolve("in-server.yaml"), LoraxServer.class);

      // when
      Object read = read(event(JSON.writeValueAsString(server)));

      // then
      assertThat(read).isInstanceOf(LoraxServer.class).usingRecursiveComparison().isEqualTo(server);
    }
  }

  @Test
  void leaves_out_who_wrote_which_field() {
    // given
    String event =
        event(
            """
            {"apiVersion": "v1", "kind": "Pod", "metadata": {
              "name": "it", "managedFields": [{"manager": "kubelet", "fieldsV1": {"f:a": {}}}]}}
            """);

    // when
    ObjectMeta metadata = ((HasMetadata) read(event)).getMetadata();

    // then
    assertThat(metadata.getName()).isEqualTo("it");
    assertThat(metadata.getManagedFields()).isEmpty();
  }

  @Test
  void reads_an_object_whose_kind_comes_last() throws IOException {
    // given
    var object =
        new PodBuilder()
            .withNewMetadata()
            .withName("it")
            .addToLabels("a", "b")
            .endMetadata()
            .build();
    ObjectNode node = (ObjectNode) JSON.readTree(JSON.writeValueAsString(object));
    JsonNode kind = node.remove("kind");
    node.set("kind", kind);

    // when, then
    assertThat(read(event(node.toString()))).isEqualTo(object);
  }

  @Test
  void reads_what_is_no_object_of_a_known_kind_as_the_client_does() {
    String failure =
        event(
            "{\"kind\": \"Status\", \"apiVersion\": \"v1\", \"code\": 410, \"reason\": \"Expired\"}");
    String unknown = event("{\"kind\": \"Gizmo\", \"apiVersion\": \"a/v1\", \"spec\": {\"a\": 1}}");
    String nameless = event("{\"metadata\": {\"name\": \"it\"}}");

    assertThat(read(failure)).isInstanceOf(Status.class).isEqualTo(usual(failure));
    assertThat(read(unknown))
        .isInstanceOf(GenericKubernetesResource.class)
        .isEqualTo(usual(unknown));
    assertThat(read(nameless)).isInstanceOf(RawExtension.class).isEqualTo(usual(nameless));
    assertThat(read(event("{}"))).isEqualTo(usual(event("{}")));
  }

  private Object read(String event) {
    return lean.unmarshal(event, WatchEvent.class).getObject();
  }

  private Object usual(String event) {
    return usual.unmarshal(event, WatchEvent.class).getObject();
  }

  private static String event(String object) {
    return "{\"type\":\"MODIFIED\",\"object\":%s}".formatted(object);
  }
}
