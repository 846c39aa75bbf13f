package dev.lorax.launcher;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lorax.launcher.testing.LauncherTestCase;
import dev.lorax.launcher.testing.hub.HubFault;
import dev.lorax.launcher.testing.hub.HubServer;
import dev.lorax.launcher.testing.hub.TinyModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Launchers that download from a hub. */
final class DownloadLauncherTest extends LauncherTestCase {

  private static final int SHARD_BYTES = 4 << 20;
  private static final String SHARD = "model-00001-of-00002.safetensors";

  @TempDir private Path cache;
  private HubServer hub;

  @BeforeEach
  void startHub() throws IOException {
    hub = HubServer.start();
    TinyModel.sharded(hub.repo("org/tiny"), SHARD_BYTES);
  }

  @AfterEach
  void stopHub() {
    hub.close();
  }

  private Process download(String... options) {
    List<String> line = new ArrayList<>(List.of("--model-id", "org/tiny", "--download-only"));
    line.addAll(List.of("--huggingface-hub-cache", cache.toString()));
    line.addAll(List.of("--termination-log", terminationLog().toString()));
    line.addAll(List.of(options));
    return launcher()
        .run(
            line,
            Map.of("HF_ENDPOINT", hub.endpoint(), "HF_TOKEN", HubServer.TOKEN, "NO_PROXY", "*"));
  }

  private Path snapshot() {
    return cache.resolve("models--org--tiny/snapshots").resolve(hub.repo("org/tiny").head());
  }

  private void assertWhole() {
    assertThat(snapshot().resolve(SHARD))
        .hasBinaryContent(TinyModel.safetensors("first", SHARD_BYTES));
    assertThat(snapshot().resolve("model-00002-of-00002.safetensors"))
        .hasBinaryContent(TinyModel.safetensors("second", SHARD_BYTES));
    assertThat(snapshot().resolve("config.json")).exists();
    assertThat(cache).isDirectoryNotContaining("glob:**.incomplete");
  }

  @Test
  void downloads_a_model_and_its_adapters() throws Exception {
    // given
    TinyModel.adapter(hub.repo("org/sql"), "org/tiny");
    TinyModel.adapter(hub.repo("org/chat"), "org/tiny");

    // when
    Process process =
        download(
            "--adapter-id",
            "org/sql",
            "--adapter-source",
            "hub",
            "--preloaded-adapter-ids",
            "org/chat");

    // then
    awaitExit(process, 0);
    assertWhole();
    for (var adapter : List.of("org--sql", "org--chat")) {
      assertThat(cache.resolve("models--" + adapter + "/refs/main")).exists();
    }
    assertThat(launcher().log()).doesNotContain(HubServer.TOKEN);
    assertThat(hub.tokensAtStore()).isZero();
  }

  @Test
  void a_launcher_that_was_killed_leaves_nothing_to_do_twice() throws Exception {
    // given
    hub.pace(1_000_000);
    Process killed = download();
    eventually().until(() -> hub.sentBytes() > SHARD_BYTES / 2);

    // when
    killed.destroyForcibly().waitFor();

    // then
    assertThat(snapshot().resolve("config.json")).doesNotExist();
    assertThat(cache.resolve("models--org--tiny/refs")).doesNotExist();
    long kept = incompleteBytes();
    assertThat(kept).isGreaterThan(SHARD_BYTES / 4);
    hub.pace(0);
    hub.forgetRequests();
    awaitExit(download(), 0);
    assertWhole();
    assertThat(hub.sentBytes()).isLessThan(2L * SHARD_BYTES - kept + 200_000);
  }

  private long incompleteBytes() throws IOException {
    long bytes = 0;
    try (var blobs = Files.list(cache.resolve("models--org--tiny/blobs"))) {
      for (var blob : blobs.filter(file -> file.toString().endsWith(".incomplete")).toList()) {
        bytes += Files.size(blob);
      }
    }
    return bytes;
  }

  @Test
  void two_launchers_on_one_volume_download_once() throws Exception {
    // given
    // slow enough that the second has started long before the first is done
    hub.pace(100_000);
    Process first = download();
    eventually().until(() -> hub.sentBytes() > 0);

    // when
    Process second = download();
    eventually().until(() -> launcher().log().contains("another launcher prepares it"));
    hub.pace(0);

    // then
    awaitExit(first, 0);
    awaitExit(second, 0);
    assertWhole();
    assertThat(launcher().log()).contains("another launcher has downloaded it");
    assertThat(hub.requests().stream().filter(request -> request.startsWith("GET store")))
        .hasSize(2);
  }

  @Test
  void a_lock_of_a_dead_launcher_does_not_block() throws Exception {
    // given
    hub.pace(100_000);
    Process first = download();
    eventually().until(() -> hub.sentBytes() > 100_000);
    Process second = download();
    eventually().until(() -> launcher().log().contains("another launcher prepares it"));

    // when
    first.destroyForcibly().waitFor();
    hub.pace(0);

    // then
    awaitExit(second, 0);
    assertWhole();
  }

  @Test
  void a_signal_ends_it_at_once_and_keeps_what_has_come() throws Exception {
    // given
    hub.pace(200_000);
    Process process = download();
    eventually().until(() -> hub.sentBytes() > 300_000);

    // when
    process.destroy();

    // then
    awaitExit(process, 0);
    assertThat(launcher().log()).endsWith("stopped  \n");
    assertThat(incompleteBytes()).isPositive();
  }

  @Test
  void a_reason_that_ends_it_is_one_sentence() throws Exception {
    // given
    hub.script("api", new HubFault.Status(403, Map.of()));

    // when
    awaitExit(download(), 1);

    // then
    assertThat(terminationLog())
        .hasContent(
            "AccessDenied: model org/tiny: %s forbids reading org/tiny: scripted; check the rights of the token in HF_TOKEN"
                .formatted(hub.endpoint()));
  }

  @Test
  void the_status_tells_how_far_it_is() throws Exception {
    // given
    hub.pace(500_000);

    // when
    launcher()
        .serve(
            "org/tiny",
            Map.of("HF_ENDPOINT", hub.endpoint(), "NO_PROXY", "*"),
            "--huggingface-hub-cache",
            cache.toString());

    // then
    eventually()
        .untilAsserted(() -> {
          var progress = launcher().status().path("progress");
          assertThat(progress.path("what").asText()).isEqualTo("org/tiny");
          assertThat(progress.path("step").asText()).isEqualTo("downloading");
          assertThat(progress.path("bytes").asLong()).isPositive();
          assertThat(progress.path("total_bytes").asLong()).isGreaterThan(2L * SHARD_BYTES);
        });
    assertThat(launcher().status().path("message").asText())
        .matches("downloading org/tiny: .* of 8\\.4 MB");
    hub.pace(0);
    awaitPhase("Serving");
    assertThat(launcher().status().has("progress")).isFalse();
    assertThat(launcher().get("/metrics").body())
        .containsPattern("lorax_launcher_download_bytes_total 8389\\d{3}");
    assertThat(launcher().started("router").getFirst()).contains("--model-id org/tiny");
  }
}
