package dev.lorax.operator.server.manifest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import dev.lorax.operator.GoldenFile;
import dev.lorax.operator.TestingApiServer;
import dev.lorax.operator.server.apply.Drift;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.extension.ExtendWith;

/** A real API server takes everything that is rendered, in a namespace for restricted pods. */
@ExtendWith(TestingApiServer.class)
final class ManifestIT {

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
  Stream<DynamicTest> is_taken() throws IOException {
    return GoldenFile.outputs(ManifestGoldenTest.class)
        .map(file -> dynamicTest(nameOf(file), () -> assertTaken(file)));
  }

  private void assertTaken(Path file) throws IOException {
    // given
    HasMetadata manifest = Serialization.unmarshal(Files.readString(file));
    manifest.getMetadata().setNamespace(namespace);

    // when
    HasMetadata taken = client.resource(manifest).dryRun().create();

    // then
    assertThat(taken.getMetadata().getUid()).isNotEmpty();
    // Else it would be written again and again.
    assertThat(Drift.between(manifest, taken)).isEmpty();
  }

  /** Its case and what it is. */
  private static String nameOf(Path file) {
    return file.subpath(file.getNameCount() - 2, file.getNameCount()).toString();
  }
}
