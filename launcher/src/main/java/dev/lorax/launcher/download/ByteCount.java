package dev.lorax.launcher.download;

import java.util.Locale;

/** Bytes for people, in the decimal units in which volumes and models are sold. */
public final class ByteCount {

  private static final String[] UNITS = {"kB", "MB", "GB", "TB", "PB"};

  private ByteCount() {}

  /** Such as {@code 512 B}, {@code 1.5 MB}, {@code 14 GB}. */
  public static String text(long bytes) {
    if (bytes < 1000) {
      return bytes + " B";
    }
    double value = bytes / 1000.0;
    int unit = 0;
    while (value >= 999.5 && unit < UNITS.length - 1) {
      value /= 1000;
      unit++;
    }
    return String.format(Locale.ROOT, value < 10 ? "%.1f %s" : "%.0f %s", value, UNITS[unit]);
  }
}
