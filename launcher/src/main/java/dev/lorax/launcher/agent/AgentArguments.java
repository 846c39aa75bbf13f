package dev.lorax.launcher.agent;

import dev.lorax.launcher.config.LauncherConfig;
import dev.lorax.launcher.control.AgentName;
import dev.lorax.launcher.process.MemberName;
import java.nio.file.Path;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** The command line of an agent. */
@Command(
    name = "lorax-agent",
    description = "Starts processes in this container on behalf of the launcher.",
    mixinStandardHelpOptions = true,
    version = "lorax-agent " + LauncherConfig.VERSION)
public final class AgentArguments {

  @Option(
      names = "--role",
      required = true,
      paramLabel = "ROLE",
      description = "What runs in this container: shard or router.")
  private MemberName.Role role = MemberName.Role.SHARD;

  @Option(
      names = "--index",
      required = true,
      paramLabel = "N",
      description = "Index of this container among those of its role.")
  private int index;

  @Option(
      names = "--control",
      required = true,
      paramLabel = "SOCKET",
      description = "Socket on which the launcher listens.")
  private Path control = Path.of("control.sock");

  public AgentName name() {
    return new AgentName(role, index);
  }

  /** Beside the control socket, because that directory outlives a restart of the container. */
  public Path sharedMemoryLedger() {
    return control.resolveSibling(name() + ".shared-memory");
  }

  public Path control() {
    return control;
  }
}
