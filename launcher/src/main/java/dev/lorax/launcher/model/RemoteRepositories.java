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
import dev.lorax.launcher.s3.S3;
import dev.lorax.launcher.s3.S3Address;
import java.nio.file.Path;
import java.time.InstantSource;
import org.jspecify.annotations.Nullable;

/** Hub and S3 behind one question. What nobody asks for is never set up. */
final class RemoteRepositories implements AutoCloseable {

  private final ModelConfig config;
  private final Downloads downloads;
  private final InstantSource clock;
  private @Nullable Hub hub;
  private @Nullable S3 s3;

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
      case S3 -> s3().snapshot(S3Address.of(id), selection);
      case LOCAL -> throw new IllegalArgumentException(id + " is not remote");
    };
  }

  private Hub hub() {
    if (hub == null) {
      hub = new Hub(config.hub(), config.cache(), downloads, clock);
    }
    return hub;
  }

  private S3 s3() {
    if (s3 == null) {
      s3 = new S3(config.s3(), config.hub().stall(), config.cache(), downloads);
    }
    return s3;
  }

  @Override
  public void close() {
    if (s3 != null) {
      s3.close();
    }
    if (hub != null) {
      hub.close();
    }
  }
}
