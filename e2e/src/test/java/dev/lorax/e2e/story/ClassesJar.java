package dev.lorax.e2e.story;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;

/** The classes of a package as a jar, which a ConfigMap takes into the cluster. */
final class ClassesJar {

  private ClassesJar() {}

  /**
   * The classes as they were compiled, without those of packages below.
   *
   * @param root of all classes
   * @throws UncheckedIOException if there are none
   */
  static byte[] of(Path root, String packageName) {
    String folder = packageName.replace('.', '/');
    var bytes = new ByteArrayOutputStream();
    try (var jar = new JarOutputStream(bytes)) {
      for (Path file : classFiles(root.resolve(folder))) {
        jar.putNextEntry(new JarEntry(folder + "/" + file.getFileName()));
        Files.copy(file, jar);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(
          "the classes of %s cannot be read from %s; mvn -pl launcher,e2e -am test-compile makes them"
              .formatted(packageName, root.toAbsolutePath()),
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
