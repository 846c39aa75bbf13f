package dev.lorax.launcher.hub;

import dev.lorax.launcher.config.HubConfig;
import dev.lorax.launcher.download.DownloadException;
import dev.lorax.launcher.download.Downloads;
import dev.lorax.launcher.download.FileSelection;
import dev.lorax.launcher.download.LocalVolume;
import dev.lorax.launcher.download.Retries;
import dev.lorax.launcher.failure.FailureCode;
import java.io.IOException;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Models and adapters of a hub as local directories. */
public final class Hub implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger("launcher");

  private final HubConfig config;
  private final Path cacheRoot;
  private final Downloads downloads;
  private final HubClient client;

  public Hub(HubConfig config, Path cacheRoot, Downloads downloads, InstantSource clock) {
    this.config = config;
    this.cacheRoot = cacheRoot;
    this.downloads = downloads;
    this.client = new HubClient(config, clock);
  }

  /**
   * The directory of a repository's files at its revision, downloaded as far as they are not there.
   * Blocks for as long as that takes; what an interrupt or a crash leaves is continued next time.
   *
   * <p>A commit that the cache holds needs no hub; neither does a branch when the hub is down.
   */
  public Path snapshot(HubRepository repository, FileSelection selection)
      throws DownloadException, InterruptedException {
    var cache = new HubCache(cacheRoot, repository);
    try {
      Optional<Path> cached = cached(cache, selection);
      if (config.offline()) {
        return cached.orElseThrow(() -> offline(repository));
      }
      if (cached.isPresent() && repository.namesCommit()) {
        return cached.get();
      }
      Optional<HubListing> listing = listing(repository, cached);
      return listing.isPresent()
          ? new SnapshotDownload(client, downloads, cache, repository, listing.get(), selection)
              .run()
          : cached.orElseThrow();
    } catch (IOException e) {
      throw LocalVolume.failure(cache.directory(), e);
    }
  }

  private static Optional<Path> cached(HubCache cache, FileSelection selection) throws IOException {
    Optional<HubSnapshot> snapshot = cache.commit().map(cache::snapshot);
    return snapshot.isPresent() && snapshot.get().looksWhole(selection)
        ? snapshot.map(HubSnapshot::directory)
        : Optional.empty();
  }

  private DownloadException offline(HubRepository repository) {
    return new DownloadException(
        FailureCode.NOT_IN_CACHE,
        "HF_HUB_OFFLINE is set and %s holds no complete %s: unset it, or fill the cache first with --download-only"
            .formatted(cacheRoot, repository));
  }

  /** Empty when the hub cannot be asked and the cache will do. */
  private Optional<HubListing> listing(HubRepository repository, Optional<Path> cached)
      throws DownloadException, InterruptedException {
    if (cached.isEmpty()) {
      var retries = new Retries(downloads.policy(), repository.toString());
      return Optional.of(retries.until(() -> client.list(repository)));
    }
    try {
      return Optional.of(client.list(repository));
    } catch (IOException | DownloadException e) {
      LOG.atWarn()
          .addKeyValue("what", repository)
          .addKeyValue("directory", cached.get())
          .addKeyValue("reason", e.getMessage())
          .log("the hub cannot be asked for news, using what the cache holds");
      return Optional.empty();
    }
  }

  @Override
  public void close() {
    client.close();
  }
}
