package dev.lorax.e2e.cluster;

import static java.util.stream.Collectors.joining;

import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.function.Consumer;

/** The Kubernetes of {@code e2e/cluster}: one program, one node, in namespaces of this machine. */
final class EmbeddedCluster implements Cluster {

  // Importing images dominates: 44 s for 2 GB on two idle cores, many times that on busy ones.
  private static final Duration START_DEADLINE = Duration.ofMinutes(8);
  private static final Duration STOP_DEADLINE = Duration.ofMinutes(2);

  private final Path program;
  private final Path state;

  private EmbeddedCluster(Path program, Path state) {
    this.program = program;
    this.state = state;
  }

  /** Starts the cluster, or goes on with the one that runs there already. */
  static EmbeddedCluster up(Path program, Surroundings surroundings, Consumer<String> progress) {
    requireRoot();
    Path state = surroundings.state();
    var cluster = new EmbeddedCluster(program, state);
    if (Files.exists(cluster.kubeconfig()) && cluster.answers()) {
      progress.accept("it runs already");
      return cluster;
    }
    cluster
        .program("up", "--state", state.toString(), "--detach")
        .with("--devices", String.valueOf(surroundings.devices()))
        .with("--audit=" + surroundings.audit())
        .run(START_DEADLINE, progress);
    return cluster;
  }

  /** Ends the cluster of this state folder and removes all of it; harmless when there is none. */
  static void down(Path program, Path state, Consumer<String> progress) {
    new EmbeddedCluster(program, state)
        .program("down", "--state", state.toString())
        .run(STOP_DEADLINE, progress);
  }

  /** Builds the program when its sources changed; returns its path. */
  static Path build(Path repository, Consumer<String> progress) {
    requireRoot();
    Path sources = repository.resolve("e2e/cluster");
    Command.of(sources.resolve("install-packages.sh").toString())
        .run(Duration.ofMinutes(10), progress);
    return KubernetesTools.build(repository, progress);
  }

  private static void requireRoot() {
    try {
      if (!Integer.valueOf(0).equals(Files.getAttribute(Path.of("/proc/self"), "unix:uid"))) {
        throw new ClusterUnavailable(
            "the embedded Kubernetes starts containers and network namespaces, which needs"
                + " root: run this as root, start Docker, or name a cluster of yours with --context");
      }
    } catch (IOException | UnsupportedOperationException e) {
      throw new ClusterUnavailable(
          "the embedded Kubernetes runs on Linux only: start Docker, or name a cluster of yours"
              + " with --context",
          e);
    }
  }

  @Override
  public Command kubectl() {
    return program("kubectl").withEnvironment("KUBECONFIG", kubeconfig().toString());
  }

  @Override
  public Command helm() {
    return Command.of(program.resolveSibling("helm").toString())
        .withEnvironment("KUBECONFIG", kubeconfig().toString());
  }

  @Override
  public List<String> shellSetup() {
    return List.of("export KUBECONFIG=" + kubeconfig(), "export PATH=$PATH:" + program.getParent());
  }

  @Override
  public String kubectlInShell() {
    return "kubectl";
  }

  @Override
  public KubernetesClient connect() {
    try {
      var config = Config.fromKubeconfig(Files.readString(kubeconfig()));
      return new KubernetesClientBuilder().withConfig(config).build();
    } catch (IOException e) {
      throw new ClusterUnavailable("no cluster runs in " + state + ": " + kubeconfig(), e);
    }
  }

  @Override
  public String loadImages(List<Path> archives, Consumer<String> progress) {
    String joined = archives.stream().map(Path::toString).collect(joining(","));
    program("load", "--state", state.toString(), "--images", joined).run(START_DEADLINE, progress);
    return archives.size() + " on the node";
  }

  private Path kubeconfig() {
    return state.resolve("kubeconfig");
  }

  private Command program(String... words) {
    return Command.of(program.toString()).with(words);
  }
}
