package dev.lorax.launcher.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lorax.launcher.config.HubConfig;
import dev.lorax.launcher.config.ProxyConfig;
import dev.lorax.launcher.config.Secret;
import dev.lorax.launcher.download.DownloadException;
import dev.lorax.launcher.download.Downloads;
import dev.lorax.launcher.download.FileSelection;
import dev.lorax.launcher.download.Progress;
import dev.lorax.launcher.download.RetryPolicy;
import dev.lorax.launcher.failure.FailureCode;
import dev.lorax.launcher.failure.HasFailureCode;
import dev.lorax.launcher.testing.hub.HubServer;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** A hub, and a cache to fill from it. */
abstract class HubTestCase {

  static final String NONE = "";

  private static final Duration STALL = Duration.ofMillis(400);

  /** Impatient: the real one's pauses are seconds. */
  static final RetryPolicy POLICY =
      new RetryPolicy(4, Duration.ofMillis(4), Duration.ofMillis(20), Duration.ofSeconds(2), STALL);

  @TempDir Path cache;
  HubServer server;
  final Progress progress = new Progress();

  @BeforeEach
  final void startServer() throws IOException {
    server = HubServer.start();
  }

  @AfterEach
  final void stopServer() {
    server.close();
  }

  Path fetch(String id) throws DownloadException, InterruptedException {
    return fetch(id, null, NONE, FileSelection.BASE_MODEL);
  }

  Path fetch(String id, @Nullable String revision, String token, FileSelection selection)
      throws DownloadException, InterruptedException {
    return fetch(config(token, false), id, revision, selection);
  }

  Path fetchOffline(String id, @Nullable String revision)
      throws DownloadException, InterruptedException {
    return fetch(config(NONE, true), id, revision, FileSelection.BASE_MODEL);
  }

  Path fetch(HubConfig config, String id, @Nullable String revision, FileSelection selection)
      throws DownloadException, InterruptedException {
    InstantSource clock = InstantSource.system();
    try (var hub = new Hub(config, cache, new Downloads(POLICY, progress, clock), clock)) {
      return hub.snapshot(HubRepository.of(id, revision), selection);
    }
  }

  HubConfig config(String token, boolean offline) {
    return new HubConfig(
        URI.create(server.endpoint()),
        token.isEmpty() ? null : new Secret(token),
        offline,
        STALL,
        new ProxyConfig(null, null, List.of()),
        null);
  }

  /** The hub's address in a sentence is written {@code HUB}. */
  void assertRefused(
      FailureCode code, String sentence, String id, @Nullable String revision, String token) {
    assertThatThrownBy(() -> fetch(id, revision, token, FileSelection.BASE_MODEL))
        .isInstanceOf(DownloadException.class)
        .hasMessage(sentence.replace("HUB", server.endpoint()))
        .extracting(refusal -> ((HasFailureCode) refusal).code())
        .isEqualTo(code);
    assertThat(cache.resolve("models--" + id.replace("/", "--")).resolve("snapshots"))
        .doesNotExist();
  }
}
