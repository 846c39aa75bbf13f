package dev.lorax.router.adapter;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What makes two requests use the same weights: ids, merge, source and the token they were fetched
 * with. Upstream leaves out source and token, so a second caller got the first caller's weights
 * without having any right to them.
 */
public record AdapterKey(
    List<String> ids,
    @Nullable AdapterMerge merge,
    @Nullable AdapterSource source,
    @Nullable ApiToken token) {
  /** The base model without an adapter. */
  public static final AdapterKey BASE = new AdapterKey(List.of("__base_model__"), null, null, null);

  public AdapterKey {
    ids = List.copyOf(ids);
    if (ids.isEmpty()) {
      throw new IllegalArgumentException("an adapter key needs at least one id");
    }
    // Only a hub asks who may have an adapter. Files of this machine are for everybody, and object
    // stores are read with the server's own credentials, so a token must not split their users.
    token = source == AdapterSource.HUB ? token : null;
  }

  public static AdapterKey of(String id, AdapterSource source, @Nullable ApiToken token) {
    return new AdapterKey(List.of(id), null, source, token);
  }

  public boolean isBase() {
    return source == null;
  }

  /** The ids as one word, for headers, metrics and messages. */
  public String label() {
    return String.join(",", ids);
  }

  AdapterKey withoutToken() {
    return new AdapterKey(ids, merge, source, null);
  }
}
