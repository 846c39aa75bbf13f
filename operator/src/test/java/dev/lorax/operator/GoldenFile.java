package dev.lorax.operator;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.client.utils.Serialization;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** Files that hold what is expected, below {@code src/test/resources/<Test>/<case>/}. */
public final class GoldenFile {

  private GoldenFile() {}

  /** The cases of a test: one directory each. */
  public static List<Path> cases(Class<?> test) throws IOException {
    try (var directories = Files.list(Path.of("src/test/resources", test.getSimpleName()))) {
      return directories.sorted().toList();
    }
  }

  /** What is expected of all cases of a test. */
  public static Stream<Path> outputs(Class<?> test) throws IOException {
    return cases(test).stream().flatMap(GoldenFile::outputs);
  }

  private static Stream<Path> outputs(Path directory) {
    try (var files = Files.list(directory)) {
      return files
          .filter(file -> file.getFileName().toString().startsWith("out-"))
          .sorted()
          .toList()
          .stream();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  public static <T> T read(Path file, Class<T> type) {
    try {
      return Serialization.unmarshal(Files.readString(file), type);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Compares what is there with the file, which is missing where nothing is. */
  public static void assertMatches(Path file, Optional<?> actual) throws IOException {
    if (actual.isPresent()) {
      assertMatches(file, actual.get());
    } else {
      assertThat(file).doesNotExist();
    }
  }

  /** Compares {@code actual} as YAML with the file, or writes the file when told to. */
  public static void assertMatches(Path file, Object actual) throws IOException {
    assertText(file, Serialization.asYaml(actual));
  }

  /** Compares {@code actual} with the file, or writes the file when told to. */
  public static void assertText(Path file, String actual) throws IOException {
    if (Boolean.getBoolean("golden.update")) {
      Files.writeString(file, actual);
    }
    assertThat(actual)
        .as("%s; after an intended change: mvn -pl operator test -Dgolden.update=true", file)
        .isEqualTo(Files.readString(file));
  }
}
