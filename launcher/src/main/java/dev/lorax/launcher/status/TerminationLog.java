package dev.lorax.launcher.status;

import dev.lorax.launcher.failure.FailureCode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The file from which Kubernetes takes the reason that a container ended. */
public final class TerminationLog {

  private static final Logger LOG = LoggerFactory.getLogger("launcher");

  private static final Path KUBELETS = Path.of("/dev/termination-log");

  private TerminationLog() {}

  /**
   * Writes {@code ModelNotFound: sentence}. Without a file, the one that a kubelet mounts is used,
   * where there is one.
   */
  public static void write(@Nullable Path named, FailureCode code, String sentence) {
    Path file = named == null ? KUBELETS : named;
    if (named == null && !Files.isWritable(file)) {
      return;
    }
    try {
      Files.writeString(file, "%s: %s".formatted(code, sentence));
    } catch (IOException e) {
      LOG.atWarn()
          .addKeyValue("file", file)
          .addKeyValue("reason", e)
          .log("termination log not written");
    }
  }
}
