package dev.lorax.launcher.hub;

import dev.lorax.launcher.download.CacheLock;
import dev.lorax.launcher.download.DownloadException;
import dev.lorax.launcher.download.Downloads;
import dev.lorax.launcher.download.FileSelection;
import dev.lorax.launcher.download.RemoteFile;
import dev.lorax.launcher.download.Target;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Makes the cache hold what is wanted of a repository at one commit. */
final class SnapshotDownload {

  private static final Logger LOG = LoggerFactory.getLogger("launcher");

  private final HubClient client;
  private final Downloads downloads;
  private final HubCache cache;
  private final HubRepository repository;
  private final HubListing listing;
  private final FileSelection selection;
  private final HubSnapshot snapshot;
  private final RepositoryContents contents;

  SnapshotDownload(
      HubClient client,
      Downloads downloads,
      HubCache cache,
      HubRepository repository,
      HubListing listing,
      FileSelection selection) {
    this.client = client;
    this.downloads = downloads;
    this.cache = cache;
    this.repository = repository;
    this.listing = listing;
    this.selection = selection;
    this.snapshot = cache.snapshot(listing.commit());
    this.contents =
        new RepositoryContents(repository, listing, selection, client, downloads.policy());
  }

  /** Returns the directory in which all of it is. A cache that holds it may be read-only. */
  Path run() throws IOException, DownloadException, InterruptedException {
    Optional<RemoteFile> index = contents.index();
    if (holds(index)) {
      remember();
      return snapshot.directory();
    }
    try (var lock = CacheLock.acquire(cache.lockFile(), repository.toString())) {
      if (holds(index)) {
        LOG.atInfo().addKeyValue("what", repository).log("another launcher has downloaded it");
      } else {
        download(index);
      }
      remember();
    }
    return snapshot.directory();
  }

  private boolean holds(Optional<RemoteFile> index)
      throws IOException, DownloadException, InterruptedException {
    if (index.isPresent() && !snapshot.holds(index.get())) {
      return false;
    }
    Optional<Path> indexFile = index.map(file -> snapshot.directory().resolve(file.path()));
    return snapshot.missing(contents.files(indexFile)).isEmpty();
  }

  private void download(Optional<RemoteFile> index)
      throws IOException, DownloadException, InterruptedException {
    if (index.isPresent()) {
      fetch(List.of(index.get()));
      snapshot.publish(List.of(index.get()), selection.keyFile());
    }
    List<RemoteFile> files =
        contents.files(index.map(file -> snapshot.directory().resolve(file.path())));
    LOG.atInfo()
        .addKeyValue("what", repository)
        .addKeyValue("commit", listing.commit())
        .addKeyValue("directory", snapshot.directory())
        .log("downloading");
    fetch(files);
    snapshot.publish(files, selection.keyFile());
    LOG.atInfo().addKeyValue("what", repository).log("downloaded");
  }

  private void fetch(List<RemoteFile> files)
      throws IOException, DownloadException, InterruptedException {
    List<Target> targets =
        snapshot.missing(files).stream()
            .map(file -> new Target(file, snapshot.blob(file)))
            .toList();
    var source = client.source(repository, listing.commit());
    downloads.fetch(source, repository.toString(), cache.root(), targets);
  }

  /** A read-only cache is as good as any when it holds the commit. */
  private void remember() {
    try {
      cache.remember(listing.commit());
    } catch (IOException e) {
      LOG.atWarn()
          .addKeyValue("what", repository)
          .addKeyValue("reason", e)
          .log("the cache does not let its commit be remembered for an offline start");
    }
  }
}
