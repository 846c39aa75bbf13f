package dev.lorax.launcher.faults;

import dev.lorax.launcher.testing.Home;
import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;

/** What launcher and agents have written down about their members' shared memory. */
record SharedMemoryLedgers(Home home) {

  /** Whether a successor would know of all that is there now. */
  boolean knowAll() throws IOException {
    List<String> present =
        home.sharedMemory().stream().map(segment -> segment.getFileName().toString()).toList();
    return names().containsAll(present);
  }

  private List<String> names() throws IOException {
    List<String> names = new ArrayList<>();
    try (var files = Files.newDirectoryStream(home.sockets(), "*shared-memory")) {
      for (var file : files) {
        Files.readAllLines(file)
            .forEach(entry -> names.add(entry.substring(entry.indexOf(' ') + 1)));
      }
    }
    return names;
  }
}
