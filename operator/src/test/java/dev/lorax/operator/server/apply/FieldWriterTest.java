package dev.lorax.operator.server.apply;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.lorax.operator.GoldenFile;
import dev.lorax.operator.server.manifest.ManifestGoldenTest;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

final class FieldWriterTest {

  private static final ObjectMapper JACKSON = new ObjectMapper();

  /** All that is ever applied, as its golden files have it. */
  @TestFactory
  Stream<DynamicTest> says_what_jackson_says_but_for_what_is_empty() throws IOException {
    return GoldenFile.outputs(ManifestGoldenTest.class)
        .map(file -> dynamicTest(file.toString(), () -> assertSame(file)));
  }

  private static void assertSame(Path file) throws IOException {
    // given
    Object manifest = Serialization.unmarshal(Files.readString(file));

    // when
    JsonNode ours = JACKSON.readTree(FieldWriter.write(manifest, null));

    // then
    JsonNode theirs = JACKSON.readTree(JACKSON.writeValueAsString(manifest));
    assertThat(ours).isEqualTo(withoutEmpty(theirs));
  }

  /** Without lists that are empty, nor maps, but with objects that have no field: they say much. */
  private static JsonNode withoutEmpty(JsonNode node) {
    var names = new ArrayList<String>();
    node.fieldNames().forEachRemaining(names::add);
    for (String name : names) {
      JsonNode child = withoutEmpty(node.get(name));
      if (child.isArray() && child.isEmpty()) {
        ((ObjectNode) node).remove(name);
      }
    }
    node.forEach(child -> withoutEmpty(child));
    return node;
  }
}
