package dev.lorax.router.request;

/** The seeds of sequences whose request names one for all. */
final class Seeds {
  /** As far from a regular pattern of bits as an odd number can be: 2^64 by the golden ratio. */
  private static final long GAMMA = 0x9E3779B97F4A7C15L;

  private Seeds() {}

  /**
   * The seed of one of several sequences: the given one for the first, and one that looks unrelated
   * for each other. They are not simply counted up, because the second sequence of seed 7 would
   * then be the first of seed 8. The values are part of what a seed promises and must stay as they
   * are.
   *
   * <p>One step of SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators,
   * OOPSLA 2014), whose output never repeats for different indexes.
   *
   * @param seed an unsigned 64-bit number, as is the result
   */
  static long derived(long seed, int index) {
    if (index == 0) {
      return seed;
    }
    long mixed = seed + index * GAMMA;
    mixed = (mixed ^ (mixed >>> 30)) * 0xBF58476D1CE4E5B9L;
    mixed = (mixed ^ (mixed >>> 27)) * 0x94D049BB133111EBL;
    return mixed ^ (mixed >>> 31);
  }
}
