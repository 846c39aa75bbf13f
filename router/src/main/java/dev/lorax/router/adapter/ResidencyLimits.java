package dev.lorax.router.adapter;

import java.time.Duration;

/**
 * How many adapters may be on the shards at once.
 *
 * @param cycleTime how long a busy adapter keeps its place while others wait for one
 */
public record ResidencyLimits(int maxActiveAdapters, Duration cycleTime) {
  public ResidencyLimits {
    if (maxActiveAdapters < 1) {
      throw new IllegalArgumentException(
          "max active adapters must be at least 1, got " + maxActiveAdapters);
    }
  }
}
