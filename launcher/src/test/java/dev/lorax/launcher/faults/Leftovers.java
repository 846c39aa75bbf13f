package dev.lorax.launcher.faults;

import dev.lorax.launcher.testing.Home;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Stream;

/**
 * Lists what a launcher and its members left behind.
 *
 * @param agents process ids of those that go on
 */
record Leftovers(Home home, Set<Long> agents) {

  /** The lock is kept: a file that others may be waiting on must not be removed. */
  private static final Predicate<Path> KEPT = file -> file.endsWith("launcher.lock");

  List<String> all() {
    List<String> found = new ArrayList<>(processes());
    home.sharedMemory().forEach(segment -> found.add(segment.toString()));
    found.addAll(filesBelow(home.sockets(), KEPT.negate()));
    found.addAll(filesBelow(home.cache(), file -> file.toString().contains("unfinished")));
    found.addAll(partsOfPublishedModels());
    return found;
  }

  /** What has come of a model is kept for the next launcher, for as long as it is not all. */
  private List<String> partsOfPublishedModels() {
    return filesBelow(
        home.cache(),
        file ->
            file.toString().endsWith(".incomplete")
                && Files.exists(file.resolveSibling("../refs").normalize()));
  }

  /** Command lines of processes that were started with the script in their environment. */
  List<String> processes() {
    String mark = "SCRIPT_DIRECTORY=" + home.scriptDirectory();
    try (var processes = Files.newDirectoryStream(Path.of("/proc"), "[0-9]*")) {
      List<String> found = new ArrayList<>();
      for (var process : processes) {
        boolean agent = agents.contains(Long.parseLong(process.getFileName().toString()));
        if (!agent && read(process.resolve("environ")).contains(mark)) {
          found.add(read(process.resolve("cmdline")).replace('\0', ' '));
        }
      }
      return found;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Empty for a process that has ended meanwhile and for a zombie, which is none any more. */
  private static String read(Path file) {
    try {
      return Files.readString(file, StandardCharsets.ISO_8859_1);
    } catch (IOException gone) {
      return "";
    }
  }

  private static List<String> filesBelow(Path directory, Predicate<Path> unwanted) {
    if (!Files.isDirectory(directory)) {
      return List.of();
    }
    try (Stream<Path> files = Files.walk(directory)) {
      return files
          .filter(file -> !file.equals(directory))
          .filter(unwanted)
          .map(Path::toString)
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
