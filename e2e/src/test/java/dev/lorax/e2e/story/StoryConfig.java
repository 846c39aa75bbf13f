package dev.lorax.e2e.story;

import dev.lorax.e2e.cluster.SearchPath;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What the stories are told with.
 *
 * @param module this module's folder
 * @param python a Python that has the package lorax-client
 */
record StoryConfig(
    Path module,
    @Nullable String context,
    @Nullable Path clusterProgram,
    @Nullable String k3sImage,
    List<Path> images,
    Path python,
    SearchPath programs) {

  StoryConfig {
    images = List.copyOf(images);
  }

  /** Reads this process's environment; the working directory of the tests is their module. */
  static StoryConfig read() {
    return fromEnvironment(System.getenv(), Path.of("").toAbsolutePath());
  }

  static StoryConfig fromEnvironment(Map<String, String> environment, Path module) {
    List<String> problems = new ArrayList<>();
    List<Path> images =
        files(
            environment,
            "LORAX_IMAGES",
            "archives of the images, separated by commas, as images/build.py prints them",
            problems);
    List<Path> python =
        files(environment, "LORAX_TEST_PYTHON", "a Python that has lorax-client", problems);
    String program = environment.get("LORAX_CLUSTER_PROGRAM");
    if (!problems.isEmpty()) {
      throw new IllegalStateException(
          "the stories cannot be told (./lorax test sets all of this):\n  "
              + String.join("\n  ", problems));
    }
    return new StoryConfig(
        module,
        environment.get("LORAX_TEST_CONTEXT"),
        program == null ? null : Path.of(program),
        environment.get("LORAX_K3S_IMAGE"),
        images,
        python.getFirst(),
        SearchPath.parse(environment.getOrDefault("PATH", "")));
  }

  Path repository() {
    return module.resolveSibling(".").normalize();
  }

  private static List<Path> files(
      Map<String, String> environment, String name, String expected, List<String> problems) {
    List<Path> paths =
        Stream.of(environment.getOrDefault(name, "").split(","))
            .filter(path -> !path.isBlank())
            .map(Path::of)
            .toList();
    if (paths.isEmpty()) {
      problems.add("%s is not set: expected %s".formatted(name, expected));
    }
    paths.stream()
        .filter(path -> !Files.exists(path))
        .forEach(path -> problems.add("%s names %s, which does not exist".formatted(name, path)));
    return paths;
  }
}
