package dev.lorax.launcher;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.lorax.launcher.testing.LauncherTestCase;
import dev.lorax.launcher.testing.hub.HubServer;
import dev.lorax.launcher.testing.hub.TinyModel;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Launchers whose cache lies on a volume with troubles of its own. It is mounted in a name space
 * that ends with the launcher, which root may do everywhere and others nearly so.
 */
final class VolumeLauncherTest extends LauncherTestCase {

  private static final int SHARD_BYTES = 4 << 20;

  @TempDir private Path cache;
  private HubServer hub;

  @BeforeEach
  void startHub() throws Exception {
    assumeTrue(
        new ProcessBuilder("unshare", "-rm", "true").start().waitFor() == 0,
        "this user may not mount anything");
    hub = HubServer.start();
    TinyModel.sharded(hub.repo("org/tiny"), SHARD_BYTES);
  }

  @AfterEach
  void stopHub() {
    if (hub != null) {
      hub.close();
    }
  }

  /** Downloads where the shell command has prepared {@code $CACHE}. */
  private Process download(String model, String preparation) {
    return launcher()
        .runUnder(
            List.of("unshare", "-rm", "sh", "-c", preparation + " && exec \"$@\"", "sh"),
            List.of(
                "--model-id",
                model,
                "--download-only",
                "--huggingface-hub-cache",
                cache.toString(),
                "--termination-log",
                terminationLog().toString()),
            Map.of("HF_ENDPOINT", hub.endpoint(), "NO_PROXY", "*", "CACHE", cache.toString()));
  }

  @Test
  void a_volume_that_is_too_small_is_told_before_the_first_byte() throws Exception {
    // when
    awaitExit(download("org/tiny", "mount -t tmpfs -o size=8m tmpfs $CACHE"), 1);

    // then
    assertThat(terminationLog())
        .content()
        .matches(
            "DiskFull: model org/tiny: not enough disk space for org/tiny: needs 17 MB more in %s, 8\\.\\d MB are free; free some or choose another place with --huggingface-hub-cache"
                .formatted(cache));
    assertThat(hub.requests()).noneMatch(request -> request.startsWith("GET store"));
  }

  @Test
  void a_volume_that_others_fill_meanwhile() throws Exception {
    // given
    hub.pace(1_000_000);
    String filled =
        """
        mount -t tmpfs -o size=80m tmpfs $CACHE && {
          (until ls $CACHE/models--org--tiny/blobs/*.incomplete; do sleep 0.1; done
           dd if=/dev/zero of=$CACHE/others bs=1M count=100) > $CACHE.out 2>&1 & }\
        """;

    // when
    awaitExit(download("org/tiny", filled), 1);

    // then
    assertThat(terminationLog())
        .content()
        .startsWith("DiskFull: model org/tiny: no disk space left for " + cache)
        .endsWith(
            "; free some or choose another place with --huggingface-hub-cache, what was downloaded so far is kept");
  }

  @Test
  void a_read_only_volume_is_good_enough_for_what_it_holds() throws Exception {
    // given
    awaitExit(download("org/tiny", "true"), 0);
    TinyModel.sharded(hub.repo("org/other"), SHARD_BYTES);
    String readOnly = "mount --bind $CACHE $CACHE && mount -o remount,bind,ro $CACHE";

    // then
    awaitExit(download("org/tiny", readOnly), 0);
    awaitExit(download("org/other", readOnly), 1);
    assertThat(terminationLog())
        .content()
        .matches(
            "ReadOnlyVolume: model org/other: cannot write .*: Read-only file system; make the cache writable or choose another with --huggingface-hub-cache");
  }
}
