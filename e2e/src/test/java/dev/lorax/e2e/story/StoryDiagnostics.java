package dev.lorax.e2e.story;

import dev.lorax.e2e.install.Diagnosis;
import dev.lorax.e2e.install.Installation;
import io.fabric8.kubernetes.client.KubernetesClient;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Stream;

/**
 * What is kept of a story that failed: all that the namespaces say, and its end for the console.
 */
record StoryDiagnostics(KubernetesClient client, Path folder) {

  private static final int KEPT_LOG_LINES = 2000;

  String write(String story) {
    Path file = folder.resolve(story + ".txt");
    try {
      Files.createDirectories(folder);
      Files.write(file, of(name -> new Diagnosis(client, name).lines(KEPT_LOG_LINES)));
    } catch (IOException e) {
      throw new UncheckedIOException("could not write " + file, e);
    }
    List<String> shown = of(name -> new Diagnosis(client, name).shortly());
    return "%s%nall of it is in %s".formatted(String.join("\n", shown), file);
  }

  private static List<String> of(Function<String, List<String>> namespace) {
    return Stream.of(Installation.OPERATOR_NAMESPACE, World.NAMESPACE)
        .flatMap(name -> namespace.apply(name).stream())
        .toList();
  }
}
