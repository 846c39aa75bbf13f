package dev.lorax.e2e.story;

import dev.lorax.e2e.install.Diagnosis;
import dev.lorax.e2e.install.Installation;
import io.fabric8.kubernetes.client.KubernetesClient;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/**
 * What is kept of a story that failed: all that the namespaces say, and its end for the console.
 */
record StoryDiagnostics(KubernetesClient client, Path folder) {

  private static final int KEPT_LOG_LINES = 2000;
  private static final int SHOWN_LOG_LINES = 12;
  private static final int SHOWN_WIDTH = 240;

  String write(String story) {
    Path file = folder.resolve(story + ".txt");
    try {
      Files.createDirectories(folder);
      Files.write(file, lines(KEPT_LOG_LINES));
    } catch (IOException e) {
      throw new UncheckedIOException("could not write " + file, e);
    }
    List<String> shown = lines(SHOWN_LOG_LINES).stream().map(StoryDiagnostics::cut).toList();
    return "%s%nall of it is in %s".formatted(String.join("\n", shown), file);
  }

  private static String cut(String line) {
    return line.length() <= SHOWN_WIDTH ? line : line.substring(0, SHOWN_WIDTH) + "…";
  }

  private List<String> lines(int logLines) {
    return Stream.of(Installation.OPERATOR_NAMESPACE, World.NAMESPACE)
        .flatMap(namespace -> new Diagnosis(client, namespace).lines(logLines).stream())
        .toList();
  }
}
