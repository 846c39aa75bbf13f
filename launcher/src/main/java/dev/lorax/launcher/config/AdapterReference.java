package dev.lorax.launcher.config;

import org.jspecify.annotations.Nullable;

/**
 * An adapter that is known before the first request.
 *
 * @param id without revision; of source local, absolute or a path below an adapter root
 * @param revision branch, tag or commit of a hub repository; null is its default branch
 */
public record AdapterReference(String id, @Nullable String revision, Source source) {

  /** Splits {@code org/name@revision}, which only a hub knows. */
  static AdapterReference parse(String typed, Source source) {
    int at = typed.lastIndexOf('@');
    return source == Source.HUB && at > 0
        ? new AdapterReference(typed.substring(0, at), typed.substring(at + 1), source)
        : new AdapterReference(typed, null, source);
  }

  /** As it is typed, and as the shard is told. */
  @Override
  public String toString() {
    return revision == null ? id : id + "@" + revision;
  }
}
