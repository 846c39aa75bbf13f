package dev.lorax.launcher.s3;

import dev.lorax.launcher.config.S3Config;
import dev.lorax.launcher.download.CacheLock;
import dev.lorax.launcher.download.DownloadException;
import dev.lorax.launcher.download.Downloads;
import dev.lorax.launcher.download.FileSelection;
import dev.lorax.launcher.download.LocalVolume;
import dev.lorax.launcher.download.RemoteFile;
import dev.lorax.launcher.download.Retries;
import dev.lorax.launcher.download.Target;
import dev.lorax.launcher.download.WeightIndex;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Models and adapters of S3 as local directories. */
public final class S3 implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger("launcher");

  /** Somebody may upload a new version of a model just now, but not for ever. */
  private static final int CHANGES_AT_MOST = 3;

  private final Path cacheRoot;
  private final Downloads downloads;
  private final S3Store store;

  /**
   * @param stall a store that sends nothing for so long has failed
   */
  public S3(S3Config config, Duration stall, Path cacheRoot, Downloads downloads) {
    this.cacheRoot = cacheRoot;
    this.downloads = downloads;
    this.store = S3Connection.open(config, stall);
  }

  /**
   * The directory of the files below an address, downloaded as far as they are not there. Blocks
   * for as long as that takes; what an interrupt or a crash leaves is continued next time.
   *
   * <p>When the store cannot be asked, what the cache has of the address will do.
   */
  public Path snapshot(S3Address address, FileSelection selection)
      throws DownloadException, InterruptedException {
    var cache = new S3Cache(cacheRoot, address);
    try {
      Optional<Path> cached = cache.current();
      for (int changes = 1; ; changes++) {
        Optional<S3Listing> listing = listing(address, selection, cached);
        if (listing.isEmpty()) {
          return cached.orElseThrow();
        }
        try {
          return snapshot(cache, listing.get());
        } catch (DownloadException e) {
          if (!(e.getCause() instanceof ChangedObjectException) || changes == CHANGES_AT_MOST) {
            throw e;
          }
          LOG.atWarn()
              .addKeyValue("what", address)
              .log("changed while it was downloaded, looking again");
        }
      }
    } catch (IOException e) {
      throw LocalVolume.failure(cacheRoot, e);
    }
  }

  /** Empty when the store cannot be asked and the cache will do. */
  private Optional<S3Listing> listing(
      S3Address address, FileSelection selection, Optional<Path> cached)
      throws DownloadException, InterruptedException {
    if (cached.isEmpty()) {
      var retries = new Retries(downloads.policy(), address.toString());
      return Optional.of(retries.until(() -> store.list(address, selection)));
    }
    try {
      return Optional.of(store.list(address, selection));
    } catch (IOException | DownloadException e) {
      LOG.atWarn()
          .addKeyValue("what", address)
          .addKeyValue("directory", cached.get())
          .addKeyValue("reason", e.getMessage())
          .log("the store cannot be asked for news, using what the cache holds");
      return Optional.empty();
    }
  }

  private Path snapshot(S3Cache cache, S3Listing listing)
      throws IOException, DownloadException, InterruptedException {
    String version = listing.version();
    Path snapshot = cache.snapshot(version);
    if (!Files.isDirectory(snapshot)) {
      try (var lock = CacheLock.acquire(cache.lockFile(), listing.address().toString())) {
        if (Files.isDirectory(snapshot)) {
          LOG.atInfo()
              .addKeyValue("what", listing.address())
              .log("another launcher has downloaded it");
        } else {
          LOG.atInfo()
              .addKeyValue("what", listing.address())
              .addKeyValue("directory", snapshot)
              .log("downloading");
          download(cache, listing, cache.unfinished(version));
          cache.publish(version);
          LOG.atInfo().addKeyValue("what", listing.address()).log("downloaded");
        }
      }
    }
    remember(cache, version);
    return snapshot;
  }

  private void download(S3Cache cache, S3Listing listing, Path directory)
      throws IOException, DownloadException, InterruptedException {
    Optional<RemoteFile> index = listing.index();
    Set<String> indexed = Set.of();
    if (index.isPresent()) {
      fetch(cache, listing.address(), List.of(index.get()), directory);
      indexed = WeightIndex.files(directory.resolve(index.get().path()));
    }
    fetch(cache, listing.address(), listing.wanted(indexed), directory);
  }

  private void fetch(S3Cache cache, S3Address address, List<RemoteFile> files, Path directory)
      throws DownloadException, InterruptedException {
    List<Target> targets = new ArrayList<>();
    for (var file : files) {
      var retries = new Retries(downloads.policy(), file.path());
      var described = retries.until(() -> store.describe(address, file));
      targets.add(new Target(described, directory.resolve(file.path())));
    }
    downloads.fetch(store.source(address), address.toString(), cache.root(), targets);
  }

  /** A read-only cache is as good as any when it holds the version. */
  private static void remember(S3Cache cache, String version) {
    try {
      cache.remember(version);
    } catch (IOException e) {
      LOG.atWarn()
          .addKeyValue("reason", e)
          .log("the cache does not let its version be remembered for a start without the store");
    }
  }

  @Override
  public void close() {
    store.close();
  }
}
