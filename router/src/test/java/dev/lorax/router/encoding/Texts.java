package dev.lorax.router.encoding;

import dev.lorax.router.adapter.AdapterKey;
import dev.lorax.router.adapter.AdapterSource;
import dev.lorax.router.batching.Share;
import dev.lorax.router.generation.Prompt;

/** Entries for tests. */
final class Texts {
  private Texts() {}

  static EncodingEntry of(long id, String tenant, int tokens) {
    return of(id, new Share(tenant, 1), tokens, AdapterKey.BASE);
  }

  static EncodingEntry of(long id, Share share, int tokens, AdapterKey adapter) {
    return new EncodingEntry(
        id,
        EncodingTask.EMBED,
        new Prompt("", new int[tokens]),
        adapter,
        share,
        Long.MAX_VALUE,
        null);
  }

  static AdapterKey adapter(String id) {
    return AdapterKey.of(id, AdapterSource.LOCAL, null);
  }
}
