package dev.lorax.router.batching;

/** How long shards go on after a step without being asked; those that cannot make no run. */
public enum Run {
  NONE,
  /** Until one of the requests ends, for others wait for what it gives back. */
  UNTIL_A_REQUEST_ENDS,
  UNTIL_TOLD
}
