package dev.lorax.launcher;

import dev.lorax.launcher.config.ArgumentException;
import dev.lorax.launcher.config.LauncherArguments;
import dev.lorax.launcher.config.LauncherConfig;
import dev.lorax.launcher.log.LogForm;
import dev.lorax.launcher.members.EpochDirectories;
import dev.lorax.launcher.members.HealthProbe;
import dev.lorax.launcher.members.MemberException;
import dev.lorax.launcher.members.Router;
import dev.lorax.launcher.members.RouterCommand;
import dev.lorax.launcher.members.ShardCommands;
import dev.lorax.launcher.members.Shards;
import dev.lorax.launcher.members.Surroundings;
import dev.lorax.launcher.model.ModelException;
import dev.lorax.launcher.model.ModelStore;
import dev.lorax.launcher.process.LocalProcessHost;
import dev.lorax.launcher.process.ProcessHost;
import dev.lorax.launcher.socket.UnixSockets;
import dev.lorax.launcher.status.LauncherStatus;
import dev.lorax.launcher.status.StatusServer;
import dev.lorax.launcher.status.WaitLog;
import java.io.IOException;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Entry point of the launcher and, as {@code agent}, of the agent. */
public final class LauncherMain {

  private static final Logger LOG = LoggerFactory.getLogger("launcher");

  private LauncherMain() {}

  public static void main(String[] line) {
    System.exit(run(List.of(line), System.getenv(), Path.of(System.getProperty("user.home"))));
  }

  private static int run(List<String> line, Map<String, String> environment, Path home) {
    try {
      return switch (LauncherArguments.parse(line, environment, home)) {
        case LauncherArguments.Parsed.Print(var text) -> {
          System.out.print(text);
          yield 0;
        }
        case LauncherArguments.Parsed.Run(var config, var remarks) -> launch(config, remarks);
      };
    } catch (ArgumentException e) {
      e.problems().forEach(problem -> System.err.println("lorax-launcher: " + problem));
      System.err.println("lorax-launcher: see --help");
      return 2;
    }
  }

  private static int launch(LauncherConfig config, Map<String, String> remarks) {
    LogForm.set(config.place().jsonOutput(), config.place().logLevel());
    StopSignals.interrupt(Thread.currentThread());
    remarks.forEach((name, reason) ->
        LOG.atWarn()
            .addKeyValue("variable", name)
            .addKeyValue("reason", reason)
            .log("environment variable ignored"));
    var status = new LauncherStatus(config.shards().count(), InstantSource.system());
    try (var waitLog = WaitLog.start(status, InstantSource.system());
        var sockets = new UnixSockets();
        var probe = new HealthProbe(sockets);
        var epochs = EpochDirectories.claim(config.place().socketDirectory());
        ProcessHost host = LocalProcessHost.open();
        var statusServer = StatusServer.start(config.place().statusPort(), status, host)) {
      LOG.atInfo().addKeyValue("port", statusServer.port()).log("status server listens");
      var surroundings =
          new Surroundings(host, probe, status, config.restarts(), InstantSource.system());
      launcher(config, epochs, surroundings).run();
      return 0;
    } catch (InterruptedException stop) {
      LOG.atInfo().log("stopped");
      return 0;
    } catch (ModelException | MemberException | IOException e) {
      return fail(String.valueOf(e.getMessage()));
    }
  }

  private static Launcher launcher(
      LauncherConfig config, EpochDirectories epochs, Surroundings surroundings) {
    var shardCommands = new ShardCommands(config.shards(), config.model().cache());
    return new Launcher(
        new ModelStore(config.model(), surroundings.clock()),
        new Shards(shardCommands, epochs, surroundings),
        new Router(new RouterCommand(config.router(), epochs), surroundings),
        surroundings.status());
  }

  private static int fail(String sentence) {
    LOG.atError().log(sentence);
    return 1;
  }
}
