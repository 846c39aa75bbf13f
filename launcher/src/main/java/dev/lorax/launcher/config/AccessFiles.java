package dev.lorax.launcher.config;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Files about who may ask the router, and how it is known, where it can read them.
 *
 * @param apiKeys null where everybody may ask
 * @param certificate null where the router speaks plain HTTP, and then so is {@code key}
 */
public record AccessFiles(@Nullable Path apiKeys, @Nullable Path certificate, @Nullable Path key) {

  /** Scheme of the URLs that the router answers. */
  public String scheme() {
    return certificate == null ? "http" : "https";
  }
}
