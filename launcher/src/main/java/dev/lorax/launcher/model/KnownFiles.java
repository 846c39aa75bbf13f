package dev.lorax.launcher.model;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Which converted model a file became, so that not every start has to read gigabytes to find out.
 *
 * <p>A file is known again by what the kernel notes at every write: above all the time of its last
 * change, which, unlike that of its modification, nobody can set back. What is known is a symbolic
 * link in the cache, named after these facts, that leads to the converted model.
 */
final class KnownFiles {

  private static final Logger LOG = LoggerFactory.getLogger("launcher");

  /**
   * A file that has just changed may change again within the same tick of its file system's clock,
   * so it is remembered only when it has rested for the coarsest tick in use (that of FAT).
   */
  private static final Duration REST = Duration.ofSeconds(2);

  private final Path cache;
  private final InstantSource clock;

  KnownFiles(Path cache, InstantSource clock) {
    this.cache = cache;
    this.clock = clock;
  }

  /** A file as it was at one moment. */
  record Sighting(Path link, Instant changed, Instant seen) {}

  Sighting look(String name, Path file) throws IOException {
    Instant seen = clock.instant();
    Map<String, Object> facts =
        Files.readAttributes(file, "unix:dev,ino,size,lastModifiedTime,ctime");
    String all =
        "%s dev=%s ino=%s size=%s mtime=%s ctime=%s"
            .formatted(
                file.toRealPath(),
                facts.get("dev"),
                facts.get("ino"),
                facts.get("size"),
                facts.get("lastModifiedTime"),
                facts.get("ctime"));
    String stamp = ContentHash.of(all.getBytes(StandardCharsets.UTF_8));
    Instant changed = requireNonNull((FileTime) facts.get("ctime")).toInstant();
    return new Sighting(cache.resolve(".gguf--%s--%s".formatted(name, stamp)), changed, seen);
  }

  /** The converted model, if the file is known and its model still there. */
  Optional<Path> model(Sighting sighting) throws IOException {
    return Files.isDirectory(sighting.link())
        ? Optional.of(cache.resolve(Files.readSymbolicLink(sighting.link())))
        : Optional.empty();
  }

  /**
   * @param before from before the file was read
   * @param after from after that: a file that changed meanwhile is not what was read
   */
  void remember(Sighting before, Sighting after, Path model) {
    boolean rested = before.changed().plus(REST).isBefore(before.seen());
    if (!rested || !before.link().equals(after.link())) {
      return;
    }
    try {
      Files.createSymbolicLink(before.link(), model.getFileName());
    } catch (FileAlreadyExistsException another) {
      // Equal facts mean equal content, so it leads to the same model.
    } catch (IOException e) {
      // A cache that others fill may be read-only; then each start reads the file.
      LOG.atDebug().addKeyValue("reason", e.toString()).log("converted model not remembered");
    }
  }
}
