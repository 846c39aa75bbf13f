package dev.lorax.router.encoding;

/** Generations on the same shards. Thread-safe. */
public interface Neighbours {
  /** Whether there can be any. */
  boolean possible();

  /** Whether some run or wait. */
  boolean present();
}
