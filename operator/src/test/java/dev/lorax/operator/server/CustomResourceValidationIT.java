package dev.lorax.operator.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import com.fasterxml.jackson.databind.JsonNode;
import dev.lorax.crds.v1alpha1.LoraxServer;
import dev.lorax.crds.v1alpha1.OwnedArguments;
import dev.lorax.operator.GoldenFile;
import dev.lorax.operator.TestingApiServer;
import dev.lorax.operator.server.plan.Specs;
import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Objects that the API server takes ({@code valid-*.yaml}) and refuses ({@code invalid-*.yaml},
 * with the words that its answer must hold in comments at the top).
 */
@ExtendWith(TestingApiServer.class)
final class CustomResourceValidationIT {

  private static final Path RESOURCES =
      Path.of("src/test/resources", CustomResourceValidationIT.class.getSimpleName());

  private KubernetesClient client;
  private String namespace;

  @BeforeEach
  void connect(TestingApiServer.Access server) {
    client = server.client();
    namespace = server.namespace();
  }

  @AfterEach
  void disconnect() {
    client.close();
  }

  @TestFactory
  Stream<DynamicTest> takes() throws IOException {
    return Stream.concat(cases("valid-"), samples())
        .map(file -> dynamicTest(file.getFileName().toString(), () -> assertTaken(file)));
  }

  @TestFactory
  Stream<DynamicTest> refuses() throws IOException {
    return cases("invalid-")
        .map(file -> dynamicTest(file.getFileName().toString(), () -> assertRefused(file)));
  }

  @Test
  void refuses_another_model_for_a_server_that_exists() {
    // given
    var server = client.resource(sample("first.gguf")).inNamespace(namespace).create();

    // when
    var refusal =
        catchThrowableOfType(
            KubernetesClientException.class,
            () -> client.resource(sample("second.gguf")).inNamespace(namespace).update());

    // then
    assertThat(refusal.getCode()).isEqualTo(422);
    assertThat(refusal).hasMessageContaining("spec.model is immutable");
    assertThat(client.resource(server).get().getSpec().model()).isEqualTo(server.getSpec().model());
  }

  @Test
  void takes_another_token_for_a_hub_but_no_other_revision() {
    // given
    client.resource(ofHub("v1", "old")).inNamespace(namespace).create();

    // when
    var changed = client.resource(ofHub("v1", "new")).inNamespace(namespace).update();
    var refusal =
        catchThrowableOfType(
            KubernetesClientException.class,
            () -> client.resource(ofHub("v2", "new")).inNamespace(namespace).update());

    // then
    assertThat(changed.getMetadata().getGeneration()).isEqualTo(2);
    assertThat(refusal.getCode()).isEqualTo(422);
    assertThat(refusal).hasMessageContaining("spec.model is immutable");
  }

  @Test
  void refuses_every_launcher_argument_that_the_operator_sets_itself() {
    // given
    var owned = List.copyOf(OwnedArguments.all().keySet());
    var server = sample("first.gguf", owned);

    // when
    var refusal =
        catchThrowableOfType(
            KubernetesClientException.class,
            () -> client.resource(server).inNamespace(namespace).create());

    // then
    assertThat(refusal).as("the API server took %s", owned).isNotNull();
    assertThat(owned)
        .allSatisfy(name -> assertThat(refusal).hasMessageContaining(OwnedArguments.refusal(name)));
  }

  @Test
  void lets_a_shared_claim_grow_but_not_shrink() {
    // given
    client.resource(cached("100Gi")).inNamespace(namespace).create();

    // when
    var grown = client.resource(cached("1Ti")).inNamespace(namespace).update();
    var refusal =
        catchThrowableOfType(
            KubernetesClientException.class,
            () -> client.resource(cached("999Gi")).inNamespace(namespace).update());

    // then
    assertThat(grown.getMetadata().getGeneration()).isEqualTo(2);
    assertThat(refusal).hasMessageContaining("storage of a shared claim can grow but not shrink");
  }

  @Test
  void fills_in_the_defaults_that_the_types_have() {
    // given
    var bare =
        GoldenFile.read(RESOURCES.resolve("valid-minimal.yaml"), GenericKubernetesResource.class);
    var read = GoldenFile.read(RESOURCES.resolve("valid-minimal.yaml"), LoraxServer.class);

    // when
    Map<String, Object> stored = client.resource(bare).inNamespace(namespace).create().get("spec");

    // then
    assertThat(Serialization.jsonMapper().<JsonNode>valueToTree(stored))
        .isEqualTo(Serialization.jsonMapper().valueToTree(read.getSpec()));
  }

  private void assertTaken(Path file) {
    // given
    var object = GoldenFile.read(file, GenericKubernetesResource.class);

    // when
    var created = client.resource(object).inNamespace(namespace).create();

    // then
    assertThat(created.getMetadata().getUid()).isNotEmpty();
  }

  private void assertRefused(Path file) throws IOException {
    // given
    var object = GoldenFile.read(file, GenericKubernetesResource.class);
    List<String> expected =
        Files.readAllLines(file).stream()
            .takeWhile(line -> line.startsWith("# "))
            .map(line -> line.substring(2))
            .toList();
    assertThat(expected).as("%s says what the refusal must hold", file).isNotEmpty();

    // when
    var refusal =
        catchThrowableOfType(
            KubernetesClientException.class,
            () -> client.resource(object).inNamespace(namespace).create());

    // then
    assertThat(refusal).as("the API server took %s", file).isNotNull();
    assertThat(refusal.getCode()).isEqualTo(422);
    assertThat(refusal.getMessage()).contains(expected);
  }

  private static LoraxServer sample(String path) {
    return Specs.server(
        """
        apiVersion: lorax.dev/v1alpha1
        kind: LoraxServer
        metadata: {name: demo}
        spec:
          model: {pvc: {claimName: base, path: %s}}
        """
            .formatted(path));
  }

  private static LoraxServer sample(String path, List<String> launcherArguments) {
    return Specs.server(
        """
        apiVersion: lorax.dev/v1alpha1
        kind: LoraxServer
        metadata: {name: demo}
        spec:
          model: {pvc: {claimName: base, path: %s}}
          launcher: {args: %s}
        """
            .formatted(path, launcherArguments));
  }

  private static LoraxServer cached(String storage) {
    return Specs.server(
        """
        apiVersion: lorax.dev/v1alpha1
        kind: LoraxServer
        metadata: {name: demo}
        spec:
          model: {pvc: {claimName: base}}
          cache: {newPvc: {storage: %s, accessMode: ReadWriteMany}}
        """
            .formatted(storage));
  }

  private static LoraxServer ofHub(String revision, String secret) {
    return Specs.server(
        """
        apiVersion: lorax.dev/v1alpha1
        kind: LoraxServer
        metadata: {name: demo}
        spec:
          model: {hub: {id: org/base, revision: %s, tokenSecret: {name: %s}}}
        """
            .formatted(revision, secret));
  }

  /** Those that people copy from the documentation. */
  private static Stream<Path> samples() throws IOException {
    try (var files = Files.newDirectoryStream(Path.of("../docs/samples"), "loraxserver-*.yaml")) {
      return StreamSupport.stream(files.spliterator(), false).sorted().toList().stream();
    }
  }

  private static Stream<Path> cases(String prefix) throws IOException {
    return GoldenFile.cases(CustomResourceValidationIT.class).stream()
        .filter(file -> file.getFileName().toString().startsWith(prefix));
  }
}
