package dev.lorax.launcher.config;

import java.nio.file.Path;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** Everything the launcher was told, checked and complete. Immutable. */
public record LauncherConfig(
    ModelConfig model,
    ShardConfig shards,
    RouterConfig router,
    PlaceConfig place,
    RestartConfig restarts) {

  /** Of launcher and agent, which are one program. */
  public static final String VERSION = "0.1.0";

  /**
   * Where processes run and how people and probes reach the launcher.
   *
   * @param socketDirectory holds the directories of the epochs and the control socket
   * @param statusPort 0 lets the system choose
   * @param agentDirectory where a pod's other containers find the agent
   * @param terminationLog file for the sentence that explains a failure, if there is one
   */
  public record PlaceConfig(
      ProcessHostKind processHost,
      ShardPlacement shardPlacement,
      Path socketDirectory,
      Path agentDirectory,
      int statusPort,
      boolean jsonOutput,
      String logLevel,
      @Nullable Path terminationLog) {}

  /**
   * How failures are answered.
   *
   * @param startupTimeout from the start of a process until it must be ready
   * @param heartbeatTimeout without an answer to the health question a process counts as hung
   * @param stepTimeout for one step of a shard's model, which then ends itself
   * @param drainTimeout how long the router may finish its streams
   * @param maxRestarts within {@code window}, counted for shards and router apart
   * @param backoff pause before the first restart, doubled for every further one in the window
   */
  public record RestartConfig(
      Duration startupTimeout,
      Duration heartbeatTimeout,
      Duration stepTimeout,
      Duration drainTimeout,
      int maxRestarts,
      Duration window,
      Duration backoff) {}

  public enum ProcessHostKind {
    LOCAL,
    POD
  }

  /** Whether each shard has a container of its own, or all are started by one agent. */
  public enum ShardPlacement {
    PER_CONTAINER,
    SHARED_CONTAINER
  }
}
