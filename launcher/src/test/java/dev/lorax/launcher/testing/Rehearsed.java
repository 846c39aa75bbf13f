package dev.lorax.launcher.testing;

import static org.awaitility.Awaitility.await;

import dev.lorax.launcher.testing.hub.HubServer;
import dev.lorax.launcher.testing.hub.TinyModel;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.Map;

/** Lets a launcher live once, with a download, so that all later ones start faster. */
final class Rehearsed {

  private Rehearsed() {}

  static LauncherJvm jvm() {
    return Once.JVM;
  }

  /** A class of its own, because other threads enter the outer one during the rehearsal. */
  private static final class Once {
    static final LauncherJvm JVM = LauncherJvm.rehearsed(Rehearsed::rehearse);
  }

  private static void rehearse(LauncherJvm jvm) throws IOException, InterruptedException {
    Path home = Files.createTempDirectory("rehearsal");
    try (var hub = HubServer.start();
        var launcher = new LauncherProcess(Home.in(home), jvm)) {
      TinyModel.sharded(hub.repo("org/tiny"), 4096);
      Process process =
          launcher.serve("org/tiny", Map.of("HF_ENDPOINT", hub.endpoint(), "NO_PROXY", "*"));
      await()
          .atMost(Duration.ofMinutes(2))
          .until(() -> launcher.status().path("phase").asText().equals("Serving"));
      process.destroy();
      process.waitFor();
    }
    delete(home);
  }

  private static void delete(Path directory) throws IOException {
    try (var files = Files.walk(directory)) {
      files.map(Path::toFile).sorted(Comparator.reverseOrder()).forEach(File::delete);
    }
  }
}
