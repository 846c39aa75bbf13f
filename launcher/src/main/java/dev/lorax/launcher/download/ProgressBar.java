package dev.lorax.launcher.download;

/** One line of a terminal. */
final class ProgressBar {

  private static final int WIDTH = 24;

  private ProgressBar() {}

  static String text(Progress.Snapshot now, Pace pace) {
    double share = now.totalBytes() == 0 ? 1 : (double) now.bytes() / now.totalBytes();
    int filled = (int) Math.clamp(Math.round(share * WIDTH), 0, WIDTH);
    return "%s %s [%s%s] %3.0f%%  %s of %s  %d/%d files  %s%s"
        .formatted(
            now.step(),
            now.what(),
            "#".repeat(filled),
            "-".repeat(WIDTH - filled),
            Math.clamp(share * 100, 0, 100),
            ByteCount.text(now.bytes()),
            ByteCount.text(now.totalBytes()),
            now.files(),
            now.totalFiles(),
            pace.speed(),
            pace.left(now).map(left -> "  " + left + " left").orElse(""));
  }
}
