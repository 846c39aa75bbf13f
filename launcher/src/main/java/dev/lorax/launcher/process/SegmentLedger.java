package dev.lorax.launcher.process;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A file that remembers segments of shared memory beyond the life of a launcher. */
final class SegmentLedger {

  private static final Logger LOG = LoggerFactory.getLogger("launcher");

  private final Path file;
  private Set<SharedSegment> written = Set.of();

  SegmentLedger(Path file) {
    this.file = file;
  }

  /** What an earlier launcher wrote; lines that it did not finish are left out. */
  Set<SharedSegment> read() {
    Set<SharedSegment> segments = new HashSet<>();
    try {
      for (var line : Files.readAllLines(file)) {
        String[] parts = line.split(" ", 2);
        if (parts.length == 2 && parts[0].matches("\\d{1,18}") && !parts[1].contains("/")) {
          segments.add(new SharedSegment(parts[1], Long.parseLong(parts[0])));
        }
      }
    } catch (IOException none) {
      return Set.of();
    }
    written = Set.copyOf(segments);
    return segments;
  }

  /** Without segments there is no file. */
  void write(Set<SharedSegment> segments) {
    if (segments.equals(written)) {
      return;
    }
    try {
      if (segments.isEmpty()) {
        Files.deleteIfExists(file);
      } else {
        Files.writeString(
            file,
            segments.stream()
                .map(segment -> "%d %s\n".formatted(segment.inode(), segment.name()))
                .collect(Collectors.joining()));
      }
      written = Set.copyOf(segments);
    } catch (IOException e) {
      LOG.atWarn()
          .addKeyValue("file", file)
          .addKeyValue("reason", e)
          .log("shared memory of members is not remembered beyond a kill of this process");
    }
  }
}
