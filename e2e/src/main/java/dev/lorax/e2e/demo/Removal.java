package dev.lorax.e2e.demo;

import dev.lorax.e2e.cluster.Cluster;
import dev.lorax.e2e.cluster.ClusterChoice;
import dev.lorax.e2e.install.Installation;
import io.fabric8.kubernetes.client.KubernetesClient;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** The way back from the demo to nothing. */
public final class Removal {

  private final DemoConfig config;
  private final Terminal terminal;
  private final InstantSource clock;

  public Removal(DemoConfig config, Terminal terminal, InstantSource clock) {
    this.config = config;
    this.terminal = terminal;
    this.clock = clock;
  }

  public void run() {
    Optional<DemoState> found = DemoState.read(config.state());
    if (found.isEmpty()) {
      terminal.line("nothing to remove: no demo runs from " + config.state());
      return;
    }
    DemoState state = found.get();
    try (Step step = new Step(terminal, clock, "removing the demo")) {
      if (state.forward() != null) {
        state.forward().stop();
      }
      if (state.cluster() instanceof ClusterChoice.Existing) {
        uninstall(state, step);
      }
      state.cluster().down(config.surroundings(), step::doing);
      deleteFolder(config.state());
      step.done("nothing is left of it on " + state.cluster().description());
    }
  }

  private void uninstall(DemoState state, Step step) {
    Cluster cluster = state.cluster().up(config.surroundings(), step::doing);
    try (KubernetesClient client = cluster.connect()) {
      var installation =
          new Installation(cluster, client, config.repository(), clock, Demo.NAMESPACE);
      installation.removeServers(step::doing);
      if (state.operatorIsOurs()) {
        installation.removeOperator(step::doing);
      }
    }
  }

  private static void deleteFolder(Path folder) {
    try (Stream<Path> tree = Files.walk(folder)) {
      List<Path> childrenFirst = tree.sorted(Comparator.reverseOrder()).toList();
      for (Path path : childrenFirst) {
        Files.delete(path);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("could not remove " + folder, e);
    }
  }
}
