package dev.lorax.router.batching;

/** Which of the waiting requests goes first. */
public enum QueueOrder {
  /** Whoever has been served the fewest tokens. */
  FAIR,
  /** Whoever came first, as upstream has it: a busy adapter takes what its requests take. */
  ARRIVAL
}
