package dev.lorax.e2e.cluster;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.function.Consumer;

/** kubectl and helm: those of the machine, or else those that {@code e2e/cluster} builds. */
final class KubernetesTools {

  // Eight minutes on two idle cores when nothing is cached, and cores are rarely idle.
  private static final Duration BUILD_DEADLINE = Duration.ofMinutes(60);

  private KubernetesTools() {}

  /** Folders that hold both programs. */
  static SearchPath find(Surroundings surroundings, Consumer<String> progress) {
    SearchPath given = surroundings.programs();
    if (List.of("kubectl", "helm").stream().allMatch(name -> given.find(name).isPresent())) {
      return given;
    }
    Path built = build(surroundings.repository(), progress);
    return new SearchPath(List.of(built.resolveSibling(".").normalize()));
  }

  /** Builds what changed and returns the path of lorax-cluster, beside which the others lie. */
  static Path build(Path repository, Consumer<String> progress) {
    progress.accept("building the Kubernetes programs: minutes the first time, then seconds");
    Path script = repository.resolve("e2e/cluster/build.sh");
    String built = Command.of(script.toString()).run(BUILD_DEADLINE, progress);
    return Path.of(built.lines().reduce("", (_, last) -> last).strip());
  }
}
