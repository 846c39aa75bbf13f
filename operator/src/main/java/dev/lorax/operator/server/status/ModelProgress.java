package dev.lorax.operator.server.status;

import dev.lorax.crds.v1alpha1.Progress;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * How far a launcher has come with its model, in steps so coarse that a status is not written with
 * every look at it.
 *
 * @param percent a multiple of {@link #STEP}; null where all bytes are not known
 */
record ModelProgress(String step, String what, @Nullable Integer percent, long totalBytes) {

  static final int STEP = 5;

  /** Null before the first byte: whether a source answers at all is not known before that. */
  static @Nullable ModelProgress of(@Nullable LauncherReport report) {
    LauncherReport.Work work = report == null ? null : report.progress();
    if (work == null || work.step() == null || work.what() == null || work.bytes() <= 0) {
      return null;
    }
    return new ModelProgress(work.step(), work.what(), percent(work), work.totalBytes());
  }

  private static @Nullable Integer percent(LauncherReport.Work work) {
    if (work.totalBytes() <= 0) {
      return null;
    }
    int exact = (int) Math.clamp(100.0 * work.bytes() / work.totalBytes(), 0, 100);
    return exact - exact % STEP;
  }

  String sentence() {
    return percent == null
        ? "%s %s".formatted(step, what)
        : "%s %s: %d %% of %s".formatted(step, what, percent, amount(totalBytes));
  }

  Progress report() {
    return new Progress(step, what, percent, percent == null ? null : totalBytes);
  }

  /** Decimal, as hubs and disks count. */
  private static String amount(long bytes) {
    if (bytes >= 1_000_000_000L) {
      return String.format(Locale.ROOT, "%.1f GB", bytes / 1e9);
    }
    return bytes >= 1_000_000L
        ? "%d MB".formatted(bytes / 1_000_000L)
        : "%d kB".formatted(Math.ceilDiv(bytes, 1000L));
  }
}
