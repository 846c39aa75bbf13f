package dev.lorax.e2e.cluster;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/** Folders in which programs are looked up, in order. Immutable. */
public record SearchPath(List<Path> folders) {

  public SearchPath {
    folders = List.copyOf(folders);
  }

  /** Reads the value of the environment variable PATH. */
  public static SearchPath parse(String value) {
    return new SearchPath(
        Pattern.compile(Pattern.quote(File.pathSeparator))
            .splitAsStream(value)
            .filter(folder -> !folder.isBlank())
            .map(Path::of)
            .toList());
  }

  public Optional<Path> find(String program) {
    return folders.stream()
        .map(folder -> folder.resolve(program))
        .filter(Files::isExecutable)
        .findFirst();
  }

  /**
   * The program's path.
   *
   * @throws ClusterUnavailable if it is in none of the folders
   */
  public Path require(String program, String purpose) {
    return find(program)
        .orElseThrow(() ->
            new ClusterUnavailable(
                "%s is needed %s and is not on PATH: install it".formatted(program, purpose)));
  }
}
