package dev.lorax.launcher.testing;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.jar.JarOutputStream;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;

/**
 * The JVM of a launcher or agent. Tests start hundreds of them, so they start with an archive of
 * their classes (class data sharing), which takes a third off the processor time of each. Such an
 * archive can be made of jars only, and of what ran in a rehearsal.
 */
record LauncherJvm(List<String> classPath, String archiveOption) {

  private static final Path DIRECTORY = Path.of("target", "launcher-jvm").toAbsolutePath();
  private static final Path ARCHIVE = DIRECTORY.resolve("classes.jsa");

  /** Writes the archive when it ends. */
  static LauncherJvm rehearsal() throws IOException {
    Files.createDirectories(DIRECTORY);
    Files.deleteIfExists(ARCHIVE);
    return new LauncherJvm(jars(), "-XX:ArchiveClassesAtExit=" + ARCHIVE);
  }

  /** Starts with the archive that a rehearsal wrote. */
  LauncherJvm withArchive() {
    return new LauncherJvm(classPath, "-XX:SharedArchiveFile=" + ARCHIVE);
  }

  List<String> command(String main) {
    return List.of(
        System.getProperty("java.home") + "/bin/java",
        archiveOption,
        "-Xlog:disable",
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",
        "-Xmx128m",
        "--enable-native-access=ALL-UNNAMED",
        "--sun-misc-unsafe-memory-access=allow",
        "-cp",
        String.join(File.pathSeparator, classPath),
        main);
  }

  private static List<String> jars() throws IOException {
    List<String> jars = new ArrayList<>();
    // The last element is empty where a class path ends with a separator, and means this directory.
    String classPath = System.getProperty("java.class.path");
    for (var entry : classPath.split(File.pathSeparator)) {
      boolean directory = Files.isDirectory(Path.of(entry));
      jars.add(directory ? jar(Path.of(entry), jars.size()).toString() : entry);
    }
    return jars;
  }

  private static Path jar(Path directory, int number) throws IOException {
    Path jar = DIRECTORY.resolve(number + ".jar");
    try (var out = new JarOutputStream(Files.newOutputStream(jar));
        Stream<Path> files = Files.walk(directory)) {
      for (var file : files.filter(Files::isRegularFile).toList()) {
        add(out, directory.relativize(file).toString(), file);
      }
    }
    return jar;
  }

  private static void add(JarOutputStream jar, String name, Path file) throws IOException {
    jar.putNextEntry(new ZipEntry(name));
    Files.copy(file, jar);
    jar.closeEntry();
  }
}
