package dev.lorax.launcher.hub;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Optional;

/**
 * One repository's part of a cache in huggingface_hub's layout: contents under {@code
 * blobs/<etag>}, commits under {@code snapshots/<commit>} as relative links to them, and under
 * {@code refs} what commit a branch or tag meant last.
 */
final class HubCache {

  private final Path root;
  private final HubRepository repository;

  HubCache(Path root, HubRepository repository) {
    this.root = root;
    this.repository = repository;
  }

  Path root() {
    return root;
  }

  Path directory() {
    return root.resolve(repository.directoryName());
  }

  /** Beside huggingface_hub's locks, which are for single files and of another kind. */
  Path lockFile() {
    return root.resolve(".locks")
        .resolve(repository.directoryName())
        .resolve("lorax-launcher.lock");
  }

  Path blobs() {
    return directory().resolve("blobs");
  }

  HubSnapshot snapshot(String commit) {
    return new HubSnapshot(directory().resolve("snapshots").resolve(commit), blobs());
  }

  /** What the revision means as far as the cache knows. */
  Optional<String> commit() throws IOException {
    if (repository.namesCommit()) {
      return Optional.of(repository.revision());
    }
    Path ref = ref();
    return Files.isRegularFile(ref)
        ? Optional.of(Files.readString(ref).strip()).filter(HubRepository::isCommit)
        : Optional.empty();
  }

  /** Makes a branch or tag mean a commit, for everybody who shares the cache. */
  void remember(String commit) throws IOException {
    if (repository.namesCommit() || commit().filter(commit::equals).isPresent()) {
      return;
    }
    Files.createDirectories(ref().getParent());
    Path unfinished = Files.createTempFile(directory().resolve("refs"), ".", ".unfinished");
    Files.writeString(unfinished, commit);
    Files.move(unfinished, ref(), StandardCopyOption.ATOMIC_MOVE);
  }

  private Path ref() {
    return directory().resolve("refs").resolve(repository.revision());
  }
}
