package dev.lorax.launcher.faults;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import java.util.stream.Stream;

/** Lists what a launcher and its members left behind. */
record Leftovers(Path sockets, Path cache, String environmentMark) {

  /** The lock is kept: a file that others may be waiting on must not be removed. */
  private static final Predicate<Path> KEPT = file -> file.endsWith("launcher.lock");

  List<String> all() {
    List<String> found = new ArrayList<>(processes());
    found.addAll(filesBelow(sockets, KEPT.negate()));
    found.addAll(filesBelow(cache, file -> file.toString().contains("unfinished")));
    return found;
  }

  /** Command lines of processes that were started with the mark in their environment. */
  List<String> processes() {
    try (var processes = Files.newDirectoryStream(Path.of("/proc"), "[0-9]*")) {
      List<String> found = new ArrayList<>();
      for (var process : processes) {
        if (read(process.resolve("environ")).contains(environmentMark)) {
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
      return Files.readString(file, java.nio.charset.StandardCharsets.ISO_8859_1);
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
