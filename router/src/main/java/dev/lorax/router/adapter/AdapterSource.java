package dev.lorax.router.adapter;

import java.util.Locale;
import java.util.Optional;

/** Where adapter files come from. */
public enum AdapterSource {
  HUB,
  S3,
  LOCAL,
  PBASE;

  /** The name in requests, options and headers. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }

  public static Optional<AdapterSource> parse(String label) {
    for (AdapterSource source : values()) {
      if (source.label().equals(label)) {
        return Optional.of(source);
      }
    }
    return Optional.empty();
  }
}
