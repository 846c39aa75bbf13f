package dev.lorax.launcher.config;

import dev.lorax.launcher.config.LauncherConfig.PlaceConfig;
import dev.lorax.launcher.config.LauncherConfig.ProcessHostKind;
import dev.lorax.launcher.config.LauncherConfig.ShardPlacement;
import dev.lorax.launcher.socket.UnixSockets;
import dev.lorax.options.Kind;
import dev.lorax.options.Option;
import dev.lorax.options.Problems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Options about processes, sockets and logs, as typed. */
final class PlaceArguments {

  private static final List<String> LOG_LEVELS = List.of("trace", "debug", "info", "warn", "error");

  private static final Kind<ShardPlacement> SHARD_PLACEMENT =
      Kind.oneOf(List.of(ShardPlacement.values()), PlaceArguments::asInTheResource);

  ProcessHostKind processHost = ProcessHostKind.LOCAL;
  ShardPlacement shardPlacement = ShardPlacement.PER_CONTAINER;
  @Nullable Path shardUdsPath;
  Path agentDirectory = Path.of("/agent");
  @Nullable Integer statusPort;
  boolean jsonOutput;
  String logLevel = "info";
  @Nullable Path terminationLog;

  List<Option<?>> options() {
    return List.of(
        Option.of(
                "--process-host",
                Kind.oneOf(ProcessHostKind.values()),
                value -> processHost = value)
            .initially(processHost)
            .says("HOST", "local: child processes. pod: agents in the other containers."),
        Option.of("--shard-placement", SHARD_PLACEMENT, value -> shardPlacement = value)
            .initially(shardPlacement)
            .says("WHERE", "In pods: PerContainer or SharedContainer."),
        Option.of("--shard-uds-path", Kind.PATH, value -> shardUdsPath = value)
            .usually("/tmp/lorax-server; /run/lorax in pods")
            .says("DIR", "Directory of all sockets."),
        Option.of("--agent-dir", Kind.PATH, value -> agentDirectory = value)
            .alsoIn("LORAX_AGENT_DIR")
            .initially(agentDirectory)
            .says("DIR", "In pods: where the agent is copied to."),
        Option.of("--status-port", Kind.WHOLE_NUMBER, value -> statusPort = value)
            .usually("9000 in pods, else any free")
            .says("PORT", "Port of the launcher's own /ready, /status and /metrics."),
        Option.of("--json-output", Kind.SWITCH, value -> jsonOutput = value)
            .says("Log JSON, one object a line."),
        Option.of("--log-level", Kind.TEXT, value -> logLevel = value)
            .initially(logLevel)
            .says("LEVEL", "trace, debug, info, warn or error."),
        Option.of("--termination-log", Kind.PATH, value -> terminationLog = value)
            .alsoIn("LORAX_TERMINATION_LOG")
            .usually("/dev/termination-log, if there")
            .says("FILE", "Gets the sentence that explains a failure."));
  }

  /** Of the kind {@code LoraxServer}. */
  private static String asInTheResource(ShardPlacement placement) {
    return switch (placement) {
      case PER_CONTAINER -> "PerContainer";
      case SHARED_CONTAINER -> "SharedContainer";
    };
  }

  boolean inPod() {
    return processHost == ProcessHostKind.POD;
  }

  private Path socketDirectory() {
    Path usual = Path.of(inPod() ? "/run/lorax" : "/tmp/lorax-server");
    return (shardUdsPath == null ? usual : shardUdsPath).toAbsolutePath();
  }

  private int statusPort() {
    int usual = inPod() ? 9000 : 0;
    return statusPort == null ? usual : statusPort;
  }

  PlaceConfig toConfig() {
    return new PlaceConfig(
        processHost,
        shardPlacement,
        socketDirectory(),
        agentDirectory.toAbsolutePath(),
        statusPort(),
        jsonOutput,
        logLevel.toLowerCase(Locale.ROOT),
        terminationLog);
  }

  void check(int shards, int routerPort, int masterPort, Problems problems) {
    problems.expect(
        LOG_LEVELS.contains(logLevel.toLowerCase(Locale.ROOT)),
        "--log-level",
        "one of " + String.join(", ", LOG_LEVELS),
        logLevel);
    problems.expect(
        terminationLog == null || Files.isDirectory(parent(terminationLog)),
        "--termination-log",
        "a file in a directory that exists",
        terminationLog);
    checkSockets(shards, problems);
    checkPorts(shards, routerPort, masterPort, problems);
  }

  private static Path parent(Path file) {
    Path parent = file.toAbsolutePath().getParent();
    return parent == null ? file : parent;
  }

  private void checkSockets(int shards, Problems problems) {
    Path directory = socketDirectory();
    String longest = "epoch-999999/shard-" + (shards - 1);
    problems.expect(
        UnixSockets.fits(directory.resolve(longest)),
        "--shard-uds-path",
        "a path of at most " + (UnixSockets.MAX_PATH_BYTES - longest.length() - 1) + " bytes",
        directory,
        "the paths of Unix sockets are short");
    problems.expect(
        !Files.exists(directory) || Files.isDirectory(directory),
        "--shard-uds-path",
        "a directory",
        directory,
        "which is a file");
  }

  private void checkPorts(int shards, int routerPort, int masterPort, Problems problems) {
    int port = statusPort();
    problems.port(0, "--status-port", port);
    problems.expect(
        port == 0 || port != routerPort,
        "--status-port",
        "another port than --port",
        port,
        "change one");
    if (shards > 1) {
      problems.expect(
          masterPort != routerPort,
          "--master-port",
          "another port than --port",
          masterPort,
          "change one");
      problems.expect(
          masterPort != port,
          "--master-port",
          "another port than --status-port",
          masterPort,
          "change one");
    }
  }
}
