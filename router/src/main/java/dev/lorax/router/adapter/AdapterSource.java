package dev.lorax.router.adapter;

import java.util.Locale;
import java.util.Optional;

/** Where adapter files come from. */
public enum AdapterSource {
  HUB,
  S3,
  LOCAL,
  /** Predibase's own service: on the wire because upstream has it, never offered here. */
  PBASE;

  /** The sources that requests and options may name, for messages. */
  public static final String OFFERED = "hub, s3, local";

  /** The name in requests, options and headers. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** The source of this name, if it is offered. */
  public static Optional<AdapterSource> parse(String label) {
    for (AdapterSource source : values()) {
      if (source != PBASE && source.label().equals(label)) {
        return Optional.of(source);
      }
    }
    return Optional.empty();
  }
}
