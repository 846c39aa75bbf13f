package dev.lorax.launcher.model;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Names, sizes and times of the files in a directory as one short word, which changes when they do.
 *
 * <p>Hashing the contents would be surer, but would read every weight at every start.
 */
final class DirectoryStamp {

  private DirectoryStamp() {}

  static String of(Path directory) throws IOException {
    List<String> lines = new ArrayList<>();
    try (var files = Files.newDirectoryStream(directory)) {
      for (var file : files) {
        String name = String.valueOf(file.getFileName());
        if (Files.isRegularFile(file) && !name.startsWith(".")) {
          var modified = Files.getLastModifiedTime(file).toInstant();
          lines.add("%s %d %s".formatted(name, Files.size(file), modified));
        }
      }
    }
    lines.sort(null);
    return ContentHash.of(String.join("\n", lines).getBytes(StandardCharsets.UTF_8));
  }
}
