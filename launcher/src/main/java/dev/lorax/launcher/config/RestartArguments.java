package dev.lorax.launcher.config;

import dev.lorax.launcher.config.LauncherConfig.RestartConfig;
import dev.lorax.options.Kind;
import dev.lorax.options.Option;
import dev.lorax.options.Problems;
import java.time.Duration;
import java.util.List;

/** Options about deadlines and restarts, as typed. */
final class RestartArguments {

  Duration startupTimeout = Duration.ofMinutes(30);
  Duration heartbeatTimeout = Duration.ofSeconds(30);
  Duration stepTimeout = Duration.ofMinutes(5);
  Duration drainTimeout = Duration.ofSeconds(90);
  int maxRestarts = 5;
  Duration restartWindow = Duration.ofMinutes(10);
  Duration restartBackoff = Duration.ofSeconds(1);

  List<Option<?>> options() {
    return List.of(
        Option.of("--startup-timeout", Kind.DURATION, value -> startupTimeout = value)
            .initially(startupTimeout)
            .says("DURATION", "From the start of a process until it must be ready."),
        Option.of("--heartbeat-timeout", Kind.DURATION, value -> heartbeatTimeout = value)
            .initially(heartbeatTimeout)
            .says(
                "DURATION", "A process that gives no sign of life for so long is killed as hung."),
        Option.of("--step-timeout", Kind.DURATION, value -> stepTimeout = value)
            .initially(stepTimeout)
            .says("DURATION", "A shard whose model computes one step for so long ends itself."),
        Option.of("--drain-timeout", Kind.DURATION, value -> drainTimeout = value)
            .initially(drainTimeout)
            .says("DURATION", "How long the router may finish its streams when all stops."),
        Option.of("--max-restarts", Kind.WHOLE_NUMBER, value -> maxRestarts = value)
            .initially(maxRestarts)
            .says("N", "Within --restart-window; then the launcher gives up. 0: at once."),
        Option.of("--restart-window", Kind.DURATION, value -> restartWindow = value)
            .initially(restartWindow)
            .says("DURATION", "In which --max-restarts are counted."),
        Option.of("--restart-backoff", Kind.DURATION, value -> restartBackoff = value)
            .initially(restartBackoff)
            .says("DURATION", "Pause before the first restart, doubled for each further one."));
  }

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
