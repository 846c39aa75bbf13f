package dev.lorax.launcher;

import dev.lorax.launcher.agent.Agent;
import dev.lorax.launcher.agent.AgentArguments;
import dev.lorax.launcher.log.LogForm;
import dev.lorax.launcher.process.LocalProcessHost;
import dev.lorax.launcher.process.OrphanReaper;
import dev.lorax.launcher.socket.UnixSockets;
import java.util.List;

/** Entry point of the agent, {@code lorax-launcher.jar agent}. */
final class AgentMain {

  private AgentMain() {}

  /** Returns the exit code. */
  static int run(List<String> line) {
    return switch (AgentArguments.parse(line)) {
      case AgentArguments.Parsed.Print(var text) -> {
        System.out.print(text);
        yield 0;
      }
      case AgentArguments.Parsed.Wrong(var problems) -> {
        problems.forEach(problem -> System.err.println("lorax-agent: " + problem));
        yield 2;
      }
      case AgentArguments.Parsed.Run(var arguments) -> attach(arguments);
    };
  }

  private static int attach(AgentArguments arguments) {
    // Its lines stand between those of its process, which are JSON.
    LogForm.set(true, "info");
    try (var sockets = new UnixSockets();
        var host = LocalProcessHost.open(arguments.sharedMemoryLedger());
        var reaper = OrphanReaper.start(host)) {
      var agent = new Agent(arguments.name(), arguments.control(), sockets, host);
      StopSignals.each(agent::stop);
      agent.run();
      return 0;
    } catch (InterruptedException e) {
      throw new AssertionError("nobody interrupts the main thread of an agent", e);
    }
  }
}
