package dev.lorax.launcher.config;

import java.util.Locale;

/** Where a model or an adapter comes from. */
public enum Source {
  HUB,
  S3,
  LOCAL;

  /** As it is typed. */
  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
