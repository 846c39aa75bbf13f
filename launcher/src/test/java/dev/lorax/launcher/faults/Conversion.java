package dev.lorax.launcher.faults;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** How far the only conversion in a cache is. */
record Conversion(Path cache) {

  boolean isWriting() throws IOException {
    for (var directory : find(".gguf--*.unfinished")) {
      Path weights = directory.resolve("model.safetensors");
      if (Files.exists(weights) && Files.size(weights) > 0) {
        return true;
      }
    }
    return false;
  }

  boolean isDone() throws IOException {
    return !find("gguf--*").isEmpty();
  }

  void forget() throws IOException {
    for (var directory : find("gguf--*")) {
      try (var files = Files.list(directory)) {
        for (var file : files.toList()) {
          Files.delete(file);
        }
      }
      Files.delete(directory);
    }
  }

  private List<Path> find(String glob) throws IOException {
    List<Path> found = new ArrayList<>();
    if (Files.isDirectory(cache)) {
      try (var directories = Files.newDirectoryStream(cache, glob)) {
        directories.forEach(found::add);
      }
    }
    return found;
  }
}
