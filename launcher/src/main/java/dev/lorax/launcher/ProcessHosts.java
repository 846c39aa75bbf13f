package dev.lorax.launcher;

import dev.lorax.launcher.config.LauncherConfig;
import dev.lorax.launcher.config.LauncherConfig.PlaceConfig;
import dev.lorax.launcher.control.AgentInstallation;
import dev.lorax.launcher.control.AttachedProcessHost;
import dev.lorax.launcher.process.LocalProcessHost;
import dev.lorax.launcher.process.ProcessHost;
import dev.lorax.launcher.socket.UnixSockets;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The only place that knows where the launcher runs. */
final class ProcessHosts {

  private static final Logger LOG = LoggerFactory.getLogger("launcher");

  private ProcessHosts() {}

  /** The host that the configuration names, ready to start processes. */
  static ProcessHost open(LauncherConfig config, UnixSockets sockets)
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
        Path runtime = Path.of(System.getProperty("java.home"));
        AgentInstallation.install(runtime, ownJar(), place.agentDirectory());
        yield AttachedProcessHost.listen(
            place.socketDirectory().resolve("control.sock"),
            sockets,
            place.shardPlacement(),
            config.restarts());
      }
    };
  }

  /** Started from a cache of loaded classes, the JVM does not know where they once came from. */
  private static Path ownJar() {
    var source = ProcessHosts.class.getProtectionDomain().getCodeSource();
    return source == null || source.getLocation() == null
        ? Path.of(System.getProperty("java.class.path"))
        : Path.of(URI.create(source.getLocation().toString()));
  }
}
