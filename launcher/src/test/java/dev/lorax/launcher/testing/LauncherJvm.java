package dev.lorax.launcher.testing;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.jar.JarOutputStream;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;

/**
 * The JVM of a launcher or agent. Tests start hundreds of them, so they start from a cache of
 * loaded and linked classes (JEP 483), which takes half off the processor time of each. Such a
 * cache can be made of jars only, and of what ran in a rehearsal; while nothing is compiled anew,
 * it is used again.
 */
record LauncherJvm(List<String> classPath, String cacheOption) {

  private static final Path DIRECTORY = Path.of("target", "launcher-jvm").toAbsolutePath();
  private static final Path CACHE = DIRECTORY.resolve("classes.aot");
  private static final Path MADE_OF = DIRECTORY.resolve("made-of");

  /** A life of a launcher that runs on the JVM it is given, from its start to its orderly end. */
  interface Rehearsal {
    void on(LauncherJvm jvm) throws IOException, InterruptedException;
  }

  /** Needs the rehearsal only when the cache is not there, or not of these classes. */
  static LauncherJvm rehearsed(Rehearsal rehearsal) {
    try {
      Files.createDirectories(DIRECTORY);
      List<String> jars = jars();
      String content = content(jars);
      if (!Files.exists(CACHE) || !Files.exists(MADE_OF) || !content.equals(madeOf())) {
        Files.deleteIfExists(MADE_OF);
        Files.deleteIfExists(CACHE);
        rehearsal.on(new LauncherJvm(jars, "-XX:AOTCacheOutput=" + CACHE));
        if (!Files.exists(CACHE)) {
          throw new IllegalStateException("the rehearsal of a launcher left no " + CACHE);
        }
        Files.writeString(MADE_OF, content);
      }
      return new LauncherJvm(jars, "-XX:AOTCache=" + CACHE);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot rehearse a launcher", e);
    } catch (InterruptedException e) {
      throw new IllegalStateException("the test was interrupted", e);
    }
  }

  List<String> command(String main) {
    return List.of(
        java().toString(),
        cacheOption,
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

  private static Path java() {
    return Path.of(System.getProperty("java.home"), "bin", "java");
  }

  private static String madeOf() throws IOException {
    return Files.readString(MADE_OF);
  }

  /** What a JVM knows a jar by, and of itself its file. */
  private static String content(List<String> jars) throws IOException {
    var lines = new StringBuilder();
    for (var file : Stream.concat(Stream.of(java().toString()), jars.stream()).toList()) {
      Path path = Path.of(file);
      lines.append("%s %d %s\n".formatted(path, Files.size(path), Files.getLastModifiedTime(path)));
    }
    return lines.toString();
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

  /** Left as it is while its files are. */
  private static Path jar(Path directory, int number) throws IOException {
    Path jar = DIRECTORY.resolve(number + ".jar");
    Path listing = DIRECTORY.resolve(number + ".files");
    List<Path> files;
    try (Stream<Path> walk = Files.walk(directory)) {
      files = walk.filter(Files::isRegularFile).sorted().toList();
    }
    String content = content(files.stream().map(Path::toString).toList());
    if (Files.exists(listing) && Files.readString(listing).equals(content)) {
      return jar;
    }
    Files.deleteIfExists(listing);
    try (var out = new JarOutputStream(Files.newOutputStream(jar))) {
      for (var file : files) {
        add(out, directory.relativize(file).toString(), file);
      }
    }
    Files.writeString(listing, content);
    return jar;
  }

  private static void add(JarOutputStream jar, String name, Path file) throws IOException {
    jar.putNextEntry(new ZipEntry(name));
    Files.copy(file, jar);
    jar.closeEntry();
  }
}
