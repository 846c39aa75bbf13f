package dev.lorax.launcher.download;

import dev.lorax.launcher.failure.FailureCode;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;

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

  /** The sentence for a file that cannot be written or read here. */
  public static DownloadException failure(Path path, IOException e) {
    FailureCode code = FailureCode.of(e);
    String sentence =
        switch (code) {
          case DISK_FULL ->
              "no disk space left for %s; %s, what was downloaded so far is kept"
                  .formatted(path, ELSEWHERE);
          case READ_ONLY_VOLUME ->
              "cannot write %s: %s; make the cache writable or choose another with --huggingface-hub-cache"
                  .formatted(path, reason(e));
          default -> "cannot write %s: %s".formatted(path, reason(e));
        };
    return new DownloadException(code, sentence, e);
  }

  private static String reason(IOException e) {
    if (e instanceof AccessDeniedException) {
      return "permission denied";
    }
    String reason = e instanceof FileSystemException file ? file.getReason() : e.getMessage();
    return reason == null ? e.getClass().getSimpleName() : reason;
  }
}
