package dev.lorax.launcher;

import dev.lorax.launcher.config.ArgumentException;
import dev.lorax.launcher.config.LauncherArguments;
import dev.lorax.launcher.config.LauncherConfig;
import dev.lorax.launcher.download.Progress;
import dev.lorax.launcher.download.ProgressReport;
import dev.lorax.launcher.failure.FailureCode;
import dev.lorax.launcher.failure.HasFailureCode;
import dev.lorax.launcher.health.HealthChecks;
import dev.lorax.launcher.log.LogForm;
import dev.lorax.launcher.machine.KernelFiles;
import dev.lorax.launcher.machine.MachineReport;
import dev.lorax.launcher.members.EpochDirectories;
import dev.lorax.launcher.members.MemberException;
import dev.lorax.launcher.members.Router;
import dev.lorax.launcher.members.RouterCommand;
import dev.lorax.launcher.members.ShardCommands;
import dev.lorax.launcher.members.Shards;
import dev.lorax.launcher.members.Surroundings;
import dev.lorax.launcher.model.ModelDirectory;
import dev.lorax.launcher.model.ModelException;
import dev.lorax.launcher.model.ModelStore;
import dev.lorax.launcher.preflight.Preflight;
import dev.lorax.launcher.preflight.PreflightException;
import dev.lorax.launcher.socket.UnixSockets;
import dev.lorax.launcher.status.LauncherStatus;
import dev.lorax.launcher.status.StatusServer;
import dev.lorax.launcher.status.TerminationLog;
import dev.lorax.launcher.status.WaitLog;
import java.io.IOException;
import java.io.PrintStream;
import java.net.URI;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Entry point of the launcher and, as {@code agent}, of the agent. */
public final class LauncherMain {

  private static final Logger LOG = LoggerFactory.getLogger("launcher");

  private LauncherMain() {}

  public static void main(String[] line) {
    List<String> arguments = List.of(line);
    boolean agent = !arguments.isEmpty() && arguments.getFirst().equals("agent");
    System.exit(agent ? AgentMain.run(arguments.subList(1, arguments.size())) : run(arguments));
  }

  private static int run(List<String> line) {
    try {
      Path home = Path.of(System.getProperty("user.home"));
      return switch (LauncherArguments.parse(line, System.getenv(), home)) {
        case LauncherArguments.Parsed.Print(var text) -> {
          System.out.print(text);
          yield 0;
        }
        case LauncherArguments.Parsed.Describe(var cache) -> {
          yield describe(cache);
        }
        case LauncherArguments.Parsed.Run(var config, var remarks) -> launch(config, remarks);
      };
    } catch (ArgumentException e) {
      e.problems().forEach(problem -> System.err.println("lorax-launcher: " + problem));
      System.err.println("lorax-launcher: see --help");
      TerminationLog.write(e.terminationLog(), e.code(), String.valueOf(e.getMessage()));
      return 2;
    }
  }

  private static int describe(Path cache) {
    try {
      var report = new MachineReport(System.getenv(), new KernelFiles(Path.of("/")));
      System.out.print(report.text(LauncherConfig.VERSION, cache));
      return 0;
    } catch (InterruptedException stop) {
      return 1;
    }
  }

  private static int launch(LauncherConfig config, Map<String, String> ignored) {
    LogForm.set(config.place().jsonOutput(), config.place().logLevel());
    var stop = StopSignals.each(Thread.currentThread()::interrupt);
    ignored.forEach((name, reason) ->
        LOG.atWarn()
            .addKeyValue("variable", name)
            .addKeyValue("reason", reason)
            .log("environment variable ignored"));
    try {
      if (config.model().downloadOnly()) {
        downloadOnly(config);
      } else {
        serve(config);
      }
      return 0;
    } catch (InterruptedException asked) {
      LOG.atInfo().log("stopped");
      return 0;
    } catch (ModelException | MemberException | PreflightException | IOException e) {
      if (stop.received()) {
        // An interrupt closes the file that is just being written, which then looks broken.
        LOG.atInfo().log("stopped");
        return 0;
      }
      FailureCode code = codeOf(e);
      LOG.atError().addKeyValue("code", code).log(String.valueOf(e.getMessage()));
      TerminationLog.write(config.place().terminationLog(), code, String.valueOf(e.getMessage()));
      return 1;
    }
  }

  private static FailureCode codeOf(Exception failure) {
    return switch (failure) {
      case HasFailureCode coded -> coded.code();
      case IOException refusal -> FailureCode.of(refusal);
      default -> FailureCode.UNEXPECTED;
    };
  }

  private static void downloadOnly(LauncherConfig config)
      throws ModelException, InterruptedException {
    InstantSource clock = InstantSource.system();
    var progress = new Progress();
    try (var report = ProgressReport.start(progress, terminal(config), clock)) {
      ModelDirectory model = new ModelStore(config.model(), progress, clock).downloadAndConvert();
      LOG.atInfo().addKeyValue("directory", model.path()).log("the model is there");
    }
  }

  /** Where a person watches, for whom a bar is drawn. */
  private static @Nullable PrintStream terminal(LauncherConfig config) {
    var console = System.console();
    boolean watched = console != null && console.isTerminal() && !config.place().jsonOutput();
    return watched ? System.out : null;
  }

  private static void serve(LauncherConfig config)
      throws ModelException,
          MemberException,
          PreflightException,
          IOException,
          InterruptedException {
    InstantSource clock = InstantSource.system();
    var preflight = new Preflight(config, System.getenv(), new KernelFiles(Path.of("/")));
    preflight.checkMachine();
    var status = new LauncherStatus(config.shards().count(), clock);
    try (var epochs = EpochDirectories.claim(config.place().socketDirectory());
        var sockets = new UnixSockets();
        var host = ProcessHosts.open(config, sockets, runtime(), ownJar());
        var statusServer = StatusServer.start(config.place().statusPort(), status, host);
        var waitLog = WaitLog.start(status, clock);
        var report = ProgressReport.start(status.progress(), terminal(config), clock)) {
      LOG.atInfo().addKeyValue("port", statusServer.port()).log("status server listens");
      var checks = new HealthChecks(sockets);
      var around = new Surroundings(host, checks, status, config.restarts(), clock);
      var shardCommands = new ShardCommands(config);
      var routerCommand = new RouterCommand(config, epochs);
      new Launcher(
              new ModelStore(config.model(), status.progress(), clock),
              preflight,
              new Shards(shardCommands, epochs, around),
              new Router(routerCommand, around),
              status)
          .run();
    }
  }

  private static Path runtime() {
    return Path.of(System.getProperty("java.home"));
  }

  /** Started from a cache of loaded classes, the JVM does not know where they once came from. */
  private static Path ownJar() {
    var source = LauncherMain.class.getProtectionDomain().getCodeSource();
    return source == null || source.getLocation() == null
        ? Path.of(System.getProperty("java.class.path"))
        : Path.of(URI.create(source.getLocation().toString()));
  }
}
