package dev.lorax.launcher.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;

/** A directory through which a test tells scripted members what to do and learns what they did. */
record Script(Path directory) {

  void ask(String behaviour) {
    write(directory.resolve(behaviour), behaviour);
  }

  void forget(String behaviour) {
    try {
      Files.delete(directory.resolve(behaviour));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  List<String> diary() {
    try {
      Path diary = directory.resolve("diary");
      return Files.exists(diary) ? Files.readAllLines(diary) : List.of();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void write(Path file, String text) {
    try {
      Files.writeString(file, text, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
