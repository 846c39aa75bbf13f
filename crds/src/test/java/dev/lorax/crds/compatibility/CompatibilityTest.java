package dev.lorax.crds.compatibility;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The manifest of today against those that users may have objects of. */
final class CompatibilityTest {

  private static final Path MANIFEST = Path.of("manifests", "loraxservers.lorax.dev.yaml");
  private static final Path EARLIER = Path.of("compatibility");

  @Test
  void objects_and_clients_of_earlier_versions_get_on_with_the_manifest() throws IOException {
    // given
    JsonNode today = read(MANIFEST);
    List<String> accepted = Files.readAllLines(EARLIER.resolve("accepted.txt"));
    List<Path> versions;
    try (Stream<Path> files = Files.list(EARLIER)) {
      versions = files.filter(file -> file.toString().endsWith(".yaml")).sorted().toList();
    }

    // when
    List<String> breaks =
        versions.stream()
            .flatMap(version -> CrdComparison.of(read(version), today).stream())
            .map(Break::toString)
            .filter(sentence -> !accepted.contains(sentence))
            .distinct()
            .toList();

    // then
    assertThat(versions).isNotEmpty();
    assertThat(breaks)
        .as("what breaks for users of %s (crds/README.md says how to go on)", versions)
        .isEmpty();
  }

  @Test
  void an_accepted_break_is_one_that_there_is() throws IOException {
    // given
    List<String> accepted =
        Files.readAllLines(EARLIER.resolve("accepted.txt")).stream()
            .filter(line -> !line.isBlank() && !line.startsWith("#"))
            .toList();

    // when
    List<String> breaks;
    try (Stream<Path> files = Files.list(EARLIER)) {
      breaks =
          files
              .filter(file -> file.toString().endsWith(".yaml"))
              .flatMap(version -> CrdComparison.of(read(version), read(MANIFEST)).stream())
              .map(Break::toString)
              .toList();
    }

    // then
    assertThat(breaks).containsAll(accepted);
  }

  @Test
  void a_crd_gets_on_with_itself() {
    assertThat(CrdComparison.of(read(MANIFEST), read(MANIFEST))).isEmpty();
  }

  @Test
  void names_versions_and_subresources_stay() throws IOException {
    // given
    String today = Files.readString(MANIFEST);
    String other =
        today
            .replace("kind: LoraxServer\n", "kind: LoraServer\n")
            .replace("    - lxs\n", "    - ls\n")
            .replace("labelSelectorPath: .status.selector", "labelSelectorPath: .status.labels");

    // when
    List<Break> breaks = CrdComparison.of(read(MANIFEST), yaml(other));

    // then
    assertThat(breaks)
        .extracting(Break::where)
        .containsExactly(
            "spec.names.kind", "spec.names.shortNames", "version v1alpha1, subresource scale");
  }

  @Test
  void a_version_is_served_as_long_as_somebody_may_use_it() throws IOException {
    // given
    String other = Files.readString(MANIFEST).replace("name: v1alpha1\n", "name: v1\n");

    // when
    List<Break> breaks = CrdComparison.of(read(MANIFEST), yaml(other));

    // then
    assertThat(breaks)
        .singleElement()
        .asString()
        .startsWith("version v1alpha1 is not served any more, and its clients get 404");
  }

  private static JsonNode read(Path file) {
    try {
      return yaml(Files.readString(file));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static JsonNode yaml(String text) {
    return Serialization.unmarshal(text, JsonNode.class);
  }
}
