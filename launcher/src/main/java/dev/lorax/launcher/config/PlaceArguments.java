package dev.lorax.launcher.config;

import dev.lorax.launcher.config.LauncherConfig.ProcessHostKind;
import dev.lorax.launcher.config.LauncherConfig.ShardPlacement;
import java.nio.file.Path;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Options about processes, sockets, logs and restarts, as typed. */
final class PlaceArguments {

  @Option(
      names = "--process-host",
      paramLabel = "HOST",
      defaultValue = "local",
      description = "local: child processes. pod: agents in containers. Default: local.")
  ProcessHostKind processHost = ProcessHostKind.LOCAL;

  @Option(
      names = "--shard-placement",
      paramLabel = "WHERE",
      defaultValue = "PerContainer",
      description = "In pods: PerContainer or SharedContainer. Default: PerContainer.")
  ShardPlacement shardPlacement = ShardPlacement.PER_CONTAINER;

  @Option(
      names = "--shard-uds-path",
      paramLabel = "DIR",
      description = "Directory of all sockets. Default: /tmp/lorax-server, /run/lorax in pods.")
  @Nullable Path shardUdsPath;

  @Option(
      names = "--agent-dir",
      paramLabel = "DIR",
      defaultValue = "/agent",
      description = "In pods the agent is copied here. Default: ${DEFAULT-VALUE}.")
  Path agentDirectory = Path.of("/agent");

  @Option(
      names = "--status-port",
      paramLabel = "PORT",
      description = "Readiness and metrics of the launcher. Default: 9000 in pods, else any free.")
  @Nullable Integer statusPort;

  @Option(names = "--json-output", description = "Log JSON, one object a line.")
  boolean jsonOutput;

  @Option(
      names = "--log-level",
      paramLabel = "LEVEL",
      defaultValue = "info",
      description = "trace, debug, info, warn or error. Default: ${DEFAULT-VALUE}.")
  String logLevel = "info";

  @Option(
      names = "--termination-log",
      paramLabel = "FILE",
      description = "Gets one sentence on failure. Default: /dev/termination-log where it exists.")
  @Nullable Path terminationLog;

  @Option(
      names = "--startup-timeout",
      paramLabel = "DURATION",
      defaultValue = "30m",
      description = "Until a started process must be ready. Default: ${DEFAULT-VALUE}.")
  Duration startupTimeout = Duration.ofMinutes(30);

  @Option(
      names = "--heartbeat-timeout",
      paramLabel = "DURATION",
      defaultValue = "30s",
      description = "Without a sign of life a process counts as hung. Default: ${DEFAULT-VALUE}.")
  Duration heartbeatTimeout = Duration.ofSeconds(30);

  @Option(
      names = "--step-timeout",
      paramLabel = "DURATION",
      defaultValue = "5m",
      description = "For one step of a shard's model. Default: ${DEFAULT-VALUE}.")
  Duration stepTimeout = Duration.ofMinutes(5);

  @Option(
      names = "--drain-timeout",
      paramLabel = "DURATION",
      defaultValue = "90s",
      description = "For the router to finish its streams. Default: ${DEFAULT-VALUE}.")
  Duration drainTimeout = Duration.ofSeconds(90);

  @Option(
      names = "--max-restarts",
      paramLabel = "N",
      defaultValue = "5",
      description = "Within --restart-window; then the launcher gives up. Default: 5.")
  int maxRestarts;

  @Option(
      names = "--restart-window",
      paramLabel = "DURATION",
      defaultValue = "10m",
      description = "Default: ${DEFAULT-VALUE}.")
  Duration restartWindow = Duration.ofMinutes(10);

  @Option(
      names = "--restart-backoff",
      paramLabel = "DURATION",
      defaultValue = "1s",
      description = "Before the first restart, then doubled. Default: ${DEFAULT-VALUE}.")
  Duration restartBackoff = Duration.ofSeconds(1);
}
