package dev.lorax.operator;

import static java.util.stream.Collectors.joining;

import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** The chart as the real Helm renders it. */
final class Chart {

  static final String RELEASE = "lorax";
  static final String NAMESPACE = "lorax-system";

  private static final String HELM = "LORAX_HELM";

  /** Helm knows no cluster here; a later one of these options counts. */
  private static final List<String> KUBERNETES = List.of("--kube-version", "1.34.0");

  private static final Path FOLDER = Path.of("../helm/lorax-operator");

  private Chart() {}

  /** What Helm said, and whether it was content. */
  record Said(int status, String output, String errors) {}

  /** The manifests as text; {@code options} are those of {@code helm template}. */
  static String text(String... options) {
    Said said = template(options);
    if (said.status() != 0) {
      throw new AssertionError("helm template refused the chart:\n" + said.errors());
    }
    return said.output();
  }

  /** The manifests as objects; what fabric8 does not know is generic. */
  static List<HasMetadata> objects(String... options) {
    return Stream.of(text(options).split("(?m)^---$"))
        .filter(document -> document.lines().anyMatch(line -> line.startsWith("kind:")))
        .map(document -> (HasMetadata) Serialization.unmarshal(document))
        .toList();
  }

  static Said template(String... options) {
    return helm(List.of("template", RELEASE, FOLDER.toString(), "--namespace", NAMESPACE), options);
  }

  static Said lint(String... options) {
    return helm(List.of("lint", "--strict", FOLDER.toString()), options);
  }

  private static Said helm(List<String> words, String... options) {
    try {
      var line = new ArrayList<>(List.of(program()));
      line.addAll(words);
      line.addAll(KUBERNETES);
      line.addAll(List.of(options));
      Path errors = Files.createTempFile("helm", ".err");
      var process = new ProcessBuilder(line).redirectError(errors.toFile()).start();
      String output = process.inputReader().lines().map(said -> said + "\n").collect(joining());
      var result = new Said(process.waitFor(), output, Files.readString(errors));
      Files.delete(errors);
      return result;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  private static String program() {
    String program = System.getenv().getOrDefault(HELM, "");
    if (!Files.isExecutable(Path.of(program))) {
      throw new IllegalStateException(
          "%s: expected the path of helm, got '%s'; e2e/cluster/build.sh builds one beside the path"
                  .formatted(HELM, program)
              + " that it prints, and ./lorax test names it");
    }
    return program;
  }
}
