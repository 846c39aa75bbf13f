package dev.lorax.e2e.story;

import io.fabric8.kubernetes.api.model.ConfigMapBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;

/**
 * The hub of the launcher's tests, brought into the cluster as a pod: pods cannot reach a server on
 * this machine, whatever the cluster is. Its classes travel in a ConfigMap.
 */
final class HubInCluster {

  /** The token with which its private repositories can be read. */
  static final String TOKEN = "hf_a-token-that-must-stay-secret";

  private static final String PACKAGE = "dev/lorax/launcher/testing/hub";

  private HubInCluster() {}

  /** Makes the ConfigMap that the pod mounts. */
  static void provideClasses(KubernetesClient client, StoryConfig config, String namespace) {
    client
        .resource(
            new ConfigMapBuilder()
                .withNewMetadata()
                .withName("hub-classes")
                .withNamespace(namespace)
                .endMetadata()
                .addToBinaryData("hub.jar", Base64.getEncoder().encodeToString(jar(config)))
                .build())
        .serverSideApply();
  }

  private static byte[] jar(StoryConfig config) {
    Path classes = config.repository().resolve("launcher/target/test-classes").resolve(PACKAGE);
    var bytes = new ByteArrayOutputStream();
    try (var jar = new JarOutputStream(bytes)) {
      for (Path file : classFiles(classes)) {
        jar.putNextEntry(new JarEntry(PACKAGE + "/" + file.getFileName()));
        Files.copy(file, jar);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(
          "the hub's classes cannot be read from %s; mvn -pl launcher -am test-compile makes them"
              .formatted(classes),
          e);
    }
    return bytes.toByteArray();
  }

  private static List<Path> classFiles(Path folder) throws IOException {
    try (var files = Files.list(folder)) {
      return files.filter(file -> file.toString().endsWith(".class")).sorted().toList();
    }
  }
}
