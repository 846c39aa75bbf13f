package dev.lorax.launcher;

import dev.lorax.launcher.config.LauncherConfig;
import dev.lorax.launcher.config.LauncherConfig.PlaceConfig;
import dev.lorax.launcher.control.AgentInstallation;
import dev.lorax.launcher.control.AttachedProcessHost;
import dev.lorax.launcher.process.LocalProcessHost;
import dev.lorax.launcher.process.ProcessHost;
import dev.lorax.launcher.socket.UnixSockets;
import java.io.IOException;
import java.nio.file.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The only place that knows where the launcher runs. */
final class ProcessHosts {

  private static final Logger LOG = LoggerFactory.getLogger("launcher");

  private ProcessHosts() {}

  /**
   * The host that the configuration names, ready to start processes.
   *
   * @param runtime the Java runtime that this program runs on; agents get both
   */
  static ProcessHost open(LauncherConfig config, UnixSockets sockets, Path runtime, Path program)
      throws IOException, InterruptedException {
    PlaceConfig place = config.place();
    return switch (place.processHost()) {
      case LOCAL -> {
        var host = LocalProcessHost.open(place.socketDirectory().resolve("shared-memory"));
        if (!host.childrenEndWithParent()) {
          LOG.atWarn()
              .log("no setpriv here: kill -9 of the launcher would leave its members behind");
        }
        yield host;
      }
      case POD -> {
        AgentInstallation.install(runtime, program, place.agentDirectory());
        yield AttachedProcessHost.listen(
            place.socketDirectory().resolve("control.sock"),
            sockets,
            place.shardPlacement(),
            config.restarts());
      }
    };
  }
}
