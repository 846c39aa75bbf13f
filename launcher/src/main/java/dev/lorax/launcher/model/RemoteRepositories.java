package dev.lorax.launcher.model;

import dev.lorax.launcher.config.ModelConfig;
import dev.lorax.launcher.config.Source;
import dev.lorax.launcher.download.DownloadException;
import dev.lorax.launcher.download.Downloads;
import dev.lorax.launcher.download.FileSelection;
import dev.lorax.launcher.download.Progress;
import dev.lorax.launcher.download.RetryPolicy;
import dev.lorax.launcher.hub.Hub;
import dev.lorax.launcher.hub.HubRepository;
import java.nio.file.Path;
import java.time.InstantSource;
import org.jspecify.annotations.Nullable;

/** Hub and S3 behind one question. What nobody asks for is never set up. */
final class RemoteRepositories implements AutoCloseable {

  private final ModelConfig config;
  private final Downloads downloads;
  private final InstantSource clock;
  private @Nullable Hub hub;

  RemoteRepositories(ModelConfig config, Progress progress, InstantSource clock) {
    this.config = config;
    this.clock = clock;
    this.downloads = new Downloads(RetryPolicy.standard(config.hub().stall()), progress, clock);
  }

  /** The directory in the cache that holds the repository's files, downloaded if need be. */
  Path fetch(Source source, String id, @Nullable String revision, FileSelection selection)
      throws DownloadException, InterruptedException {
    return switch (source) {
      case HUB -> hub().snapshot(HubRepository.of(id, revision), selection);
      case S3 -> throw new DownloadException("source s3 is not available in this version");
      case LOCAL -> throw new IllegalArgumentException(id + " is not remote");
    };
  }

  private Hub hub() {
    if (hub == null) {
      hub = new Hub(config.hub(), config.cache(), downloads, clock);
    }
    return hub;
  }

  @Override
  public void close() {
    if (hub != null) {
      hub.close();
    }
  }
}
