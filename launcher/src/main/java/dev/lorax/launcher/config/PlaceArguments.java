package dev.lorax.launcher.config;

import dev.lorax.launcher.config.LauncherConfig.PlaceConfig;
import dev.lorax.launcher.config.LauncherConfig.ProcessHostKind;
import dev.lorax.launcher.config.LauncherConfig.ShardPlacement;
import dev.lorax.launcher.socket.UnixSockets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Options about processes, sockets and logs, as typed. */
final class PlaceArguments {

  private static final List<String> LOG_LEVELS = List.of("trace", "debug", "info", "warn", "error");

  @Option(
      names = "--process-host",
      paramLabel = "HOST",
      description = "local: child processes. pod: agents in the other containers.")
  ProcessHostKind processHost = ProcessHostKind.LOCAL;

  @Option(
      names = "--shard-placement",
      paramLabel = "WHERE",
      description = "In pods: PerContainer or SharedContainer.")
  ShardPlacement shardPlacement = ShardPlacement.PER_CONTAINER;

  @Option(
      names = "--shard-uds-path",
      paramLabel = "DIR",
      description = {"Directory of all sockets.", "/tmp/lorax-server; /run/lorax in pods"})
  @Nullable Path shardUdsPath;

  @Option(
      names = "--agent-dir",
      paramLabel = "DIR",
      description = "In pods: where the agent is copied to.")
  Path agentDirectory = Path.of("/agent");

  @Option(
      names = "--status-port",
      paramLabel = "PORT",
      description = {
        "Port of the launcher's own /ready, /status and /metrics.",
        "9000 in pods, else any free"
      })
  @Nullable Integer statusPort;

  @Option(names = "--json-output", description = "Log JSON, one object a line.")
  boolean jsonOutput;

  @Option(
      names = "--log-level",
      paramLabel = "LEVEL",
      description = "trace, debug, info, warn or error.")
  String logLevel = "info";

  @Option(
      names = "--termination-log",
      paramLabel = "FILE",
      description = {
        "Gets the sentence that explains a failure.",
        "/dev/termination-log, if there"
      })
  @Nullable Path terminationLog;

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
        "a path of at most %d bytes".formatted(UnixSockets.MAX_PATH_BYTES - longest.length() - 1),
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
