package dev.lorax.router.shard;

import java.time.Duration;

/**
 * How long each kind of call may take. A shard that misses one is taken for lost, so each is far
 * above what a healthy shard needs: on a CPU a long prompt computes for minutes.
 */
public record RpcDeadlines(
    Duration control, Duration warmup, Duration step, Duration download, Duration load) {
  public static final RpcDeadlines DEFAULT =
      new RpcDeadlines(
          Duration.ofSeconds(10),
          Duration.ofMinutes(20),
          Duration.ofMinutes(5),
          Duration.ofMinutes(10),
          Duration.ofMinutes(2));
}
