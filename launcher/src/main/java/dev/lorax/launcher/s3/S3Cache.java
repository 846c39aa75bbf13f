package dev.lorax.launcher.s3;

import dev.lorax.launcher.download.DirectoryTree;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * One address's part of the cache: {@code snapshots/<version>} holds the files, {@code refs/main}
 * names the version seen last. The shard reads and writes the same.
 */
final class S3Cache {

  private static final Pattern VERSION = Pattern.compile("[0-9a-f]{64}");

  private final Path root;
  private final S3Address address;

  S3Cache(Path root, S3Address address) {
    this.root = root;
    this.address = address;
  }

  Path root() {
    return root;
  }

  private Path directory() {
    return root.resolve(address.directoryName());
  }

  Path lockFile() {
    return root.resolve(".locks").resolve(address.directoryName()).resolve("lorax-launcher.lock");
  }

  /** Complete whenever it exists. */
  Path snapshot(String version) {
    return directory().resolve("snapshots").resolve(version);
  }

  /** Where its files gather; what a crash leaves there is continued. */
  Path unfinished(String version) {
    return directory().resolve("unfinished").resolve(version);
  }

  /** What was there when the store was asked last. */
  Optional<Path> current() throws IOException {
    if (!Files.isRegularFile(reference())) {
      return Optional.empty();
    }
    return Optional.of(Files.readString(reference()).strip())
        .filter(version -> VERSION.matcher(version).matches())
        .map(this::snapshot)
        .filter(Files::isDirectory);
  }

  /** Moves a complete version to its place and forgets what was left of others. */
  void publish(String version) throws IOException {
    Files.createDirectories(snapshot(version).getParent());
    Files.move(unfinished(version), snapshot(version), StandardCopyOption.ATOMIC_MOVE);
    DirectoryTree.delete(directory().resolve("unfinished"));
  }

  /** Makes a version the current one, in one step. */
  void remember(String version) throws IOException {
    if (current().filter(snapshot(version)::equals).isPresent()) {
      return;
    }
    Files.createDirectories(reference().getParent());
    Path unfinished = Files.createTempFile(reference().getParent(), ".", ".unfinished");
    Files.writeString(unfinished, version);
    Files.move(unfinished, reference(), StandardCopyOption.ATOMIC_MOVE);
  }

  private Path reference() {
    return directory().resolve("refs").resolve("main");
  }
}
