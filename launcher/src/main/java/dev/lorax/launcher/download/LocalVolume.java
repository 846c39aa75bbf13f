package dev.lorax.launcher.download;

import dev.lorax.launcher.failure.FailureCode;
import dev.lorax.launcher.failure.Refusal;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** Where downloads are kept, and what people can do when it refuses. */
public final class LocalVolume {

  /** For what others write meanwhile; no more than the files themselves. */
  private static final long MOST_HEADROOM_BYTES = 64L << 20;

  private static final String ELSEWHERE =
      "free some or choose another place with --huggingface-hub-cache";

  private LocalVolume() {}

  /** Fails before the first byte instead of at the last one. */
  public static void requireSpace(Path directory, long bytes, String what)
      throws DownloadException {
    try {
      long needed = bytes + Math.min(bytes, MOST_HEADROOM_BYTES);
      long free = Files.getFileStore(directory).getUsableSpace();
      if (free < needed) {
        throw new DownloadException(
            FailureCode.DISK_FULL,
            "not enough disk space for %s: needs %s more in %s, %s are free; %s"
                .formatted(
                    what, ByteCount.text(needed), directory, ByteCount.text(free), ELSEWHERE));
      }
    } catch (IOException e) {
      throw failure(directory, e);
    }
  }

  /** The sentence for a file of a download that cannot be written or read here. */
  public static DownloadException failure(Path path, IOException e) {
    return refusal(path, ", what was downloaded so far is kept", e)
        .orElseGet(() ->
            new DownloadException(
                FailureCode.of(e), "cannot write %s: %s".formatted(path, Refusal.words(e)), e));
  }

  /** The sentence for a volume that takes no more, or nothing; empty when it is not to blame. */
  public static Optional<DownloadException> refusal(Path path, IOException e) {
    return refusal(path, "", e);
  }

  /**
   * @param kept what becomes of the work that was done so far
   */
  private static Optional<DownloadException> refusal(Path path, String kept, IOException e) {
    FailureCode code = FailureCode.of(e);
    return switch (code) {
      case DISK_FULL ->
          Optional.of(
              new DownloadException(
                  code, "no disk space left for %s; %s%s".formatted(path, ELSEWHERE, kept), e));
      case READ_ONLY_VOLUME ->
          Optional.of(
              new DownloadException(
                  code,
                  "cannot write %s: %s; make the cache writable or choose another with --huggingface-hub-cache"
                      .formatted(path, Refusal.words(e)),
                  e));
      default -> Optional.empty();
    };
  }
}
