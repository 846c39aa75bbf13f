package dev.lorax.launcher.config;

import dev.lorax.launcher.config.LauncherConfig.RestartConfig;
import java.time.Duration;
import picocli.CommandLine.Option;

/** Options about deadlines and restarts, as typed. */
final class RestartArguments {

  @Option(
      names = "--startup-timeout",
      paramLabel = "DURATION",
      description = "From the start of a process until it must be ready.")
  Duration startupTimeout = Duration.ofMinutes(30);

  @Option(
      names = "--heartbeat-timeout",
      paramLabel = "DURATION",
      description = "A process that gives no sign of life for so long is killed as hung.")
  Duration heartbeatTimeout = Duration.ofSeconds(30);

  @Option(
      names = "--step-timeout",
      paramLabel = "DURATION",
      description = "A shard whose model computes one step for so long ends itself.")
  Duration stepTimeout = Duration.ofMinutes(5);

  @Option(
      names = "--drain-timeout",
      paramLabel = "DURATION",
      description = "How long the router may finish its streams when all stops.")
  Duration drainTimeout = Duration.ofSeconds(90);

  @Option(
      names = "--max-restarts",
      paramLabel = "N",
      description = "Within --restart-window; then the launcher gives up. 0: at once.")
  int maxRestarts = 5;

  @Option(
      names = "--restart-window",
      paramLabel = "DURATION",
      description = "In which --max-restarts are counted.")
  Duration restartWindow = Duration.ofMinutes(10);

  @Option(
      names = "--restart-backoff",
      paramLabel = "DURATION",
      description = "Pause before the first restart, doubled for each further one.")
  Duration restartBackoff = Duration.ofSeconds(1);

  RestartConfig toConfig() {
    return new RestartConfig(
        startupTimeout,
        heartbeatTimeout,
        stepTimeout,
        drainTimeout,
        maxRestarts,
        restartWindow,
        restartBackoff);
  }

  void check(Problems problems) {
    problems.positive("--startup-timeout", startupTimeout);
    problems.positive("--heartbeat-timeout", heartbeatTimeout);
    problems.positive("--step-timeout", stepTimeout);
    problems.positive("--restart-window", restartWindow);
    problems.atLeast(0, "--max-restarts", maxRestarts);
  }
}
