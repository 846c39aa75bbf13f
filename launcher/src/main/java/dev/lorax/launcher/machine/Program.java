package dev.lorax.launcher.machine;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** A program that is asked one question, and may be absent, fail or take too long. */
final class Program {

  private final String name;
  private final Optional<Path> file;

  Program(String name, String searchPath) {
    this.name = name;
    this.file =
        Arrays.stream(searchPath.split(File.pathSeparator))
            .map(directory -> Path.of(directory, name))
            .filter(Files::isExecutable)
            .filter(Files::isRegularFile)
            .findFirst();
  }

  Optional<Path> file() {
    return file;
  }

  /** The standard output, or one sentence in its place. */
  String answer(Duration patience, String... arguments) throws InterruptedException {
    if (file.isEmpty()) {
      return "%s not found on PATH".formatted(name);
    }
    List<String> line = new ArrayList<>(List.of(file.get().toString()));
    line.addAll(List.of(arguments));
    try {
      Path output = Files.createTempFile("lorax", ".out");
      try {
        return answer(line, output, patience);
      } finally {
        Files.deleteIfExists(output);
      }
    } catch (IOException e) {
      return "%s cannot be run: %s".formatted(file.get(), e.getMessage());
    }
  }

  /** Into a file, which no program can fill so that it waits for a reader. */
  private String answer(List<String> line, Path output, Duration patience)
      throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder(line)
            .redirectOutput(output.toFile())
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    try {
      if (!process.waitFor(patience.toMillis(), TimeUnit.MILLISECONDS)) {
        return "%s did not answer within %d s".formatted(name, patience.toSeconds());
      }
    } finally {
      process.destroyForcibly();
    }
    String text = Files.readString(output).strip();
    return process.exitValue() == 0
        ? text
        : "%s %s failed with exit code %d"
            .formatted(name, String.join(" ", line.subList(1, line.size())), process.exitValue());
  }
}
