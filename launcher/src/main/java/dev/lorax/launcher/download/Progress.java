package dev.lorax.launcher.download;

import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** How far the preparation of models is, written by those who do it. Thread-safe. */
public final class Progress {

  /** What is being done to the bytes. */
  public enum Step {
    DOWNLOADING,
    CONVERTING;

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /**
   * One consistent look.
   *
   * @param what the model or adapter, such as {@code org/name@main}
   * @param bytes done so far, those of an earlier launcher included
   * @param files complete so far
   */
  public record Snapshot(
      Step step, String what, long bytes, long totalBytes, int files, int totalFiles) {}

  private @Nullable Snapshot current;
  private long downloadedBytes;

  /** Begins a step; the one before it, if any, is over. */
  public synchronized void begin(Step step, String what, long totalBytes, int totalFiles) {
    current = new Snapshot(step, what, 0, totalBytes, 0, totalFiles);
  }

  /** Bytes that are done without having been received; negative when work was lost. */
  public synchronized void credit(long bytes) {
    add(bytes, 0);
  }

  /** Bytes that came over the network. */
  public synchronized void received(long bytes) {
    downloadedBytes += bytes;
    add(bytes, 0);
  }

  public synchronized void fileDone() {
    add(0, 1);
  }

  private void add(long bytes, int files) {
    if (current != null) {
      current =
          new Snapshot(
              current.step,
              current.what,
              current.bytes + bytes,
              current.totalBytes,
              current.files + files,
              current.totalFiles);
    }
  }

  public synchronized void end() {
    current = null;
  }

  /** Empty while nothing is being downloaded or converted. */
  public synchronized Optional<Snapshot> snapshot() {
    return Optional.ofNullable(current);
  }

  /** Since the launcher's start, over all models and adapters. */
  public synchronized long downloadedBytes() {
    return downloadedBytes;
  }
}
