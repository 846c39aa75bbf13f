package dev.lorax.e2e.cluster;

import com.github.dockerjava.api.DockerClient;
import com.github.dockerjava.api.model.Container;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.testcontainers.DockerClientFactory;
import org.testcontainers.k3s.K3sContainer;
import org.testcontainers.utility.DockerImageName;
import org.testcontainers.utility.MountableFile;
import org.testcontainers.utility.TestcontainersConfiguration;

/** A k3s in a container of this machine's Docker, started by Testcontainers. */
final class K3sCluster implements Cluster {

  /** Minor version as of the embedded Kubernetes, so that both show the same behaviour. */
  static final String DEFAULT_IMAGE = "rancher/k3s:v1.34.2-k3s1";

  private static final String LABEL = "dev.lorax.state";
  private static final String ARCHIVE_IN_CONTAINER = "/tmp/lorax-image.tar";

  private final K3sContainer container;
  private final Path state;
  private final SearchPath programs;

  private K3sCluster(K3sContainer container, Path state, SearchPath programs) {
    this.container = container;
    this.state = state;
    this.programs = programs;
  }

  static boolean dockerAnswers() {
    return DockerClientFactory.instance().isDockerAvailable();
  }

  /**
   * Starts a k3s, or goes on with the one started for the same state folder.
   *
   * <p>Testcontainers would remove the container with this process; its reuse lets it live on.
   */
  @SuppressWarnings("resource") // the container outlives this process on purpose, until remove()
  static K3sCluster up(String image, Path state, SearchPath programs, Consumer<String> progress) {
    if (!TestcontainersConfiguration.getInstance().environmentSupportsReuse()) {
      throw new ClusterUnavailable(
          "Testcontainers would remove the cluster when this process ends: set"
              + " TESTCONTAINERS_REUSE_ENABLE=true in its environment");
    }
    progress.accept("starting " + image);
    var name = DockerImageName.parse(image).asCompatibleSubstituteFor("rancher/k3s");
    var container = new K3sContainer(name).withLabel(LABEL, state.toString()).withReuse(true);
    container.start();
    var cluster = new K3sCluster(container, state, programs);
    cluster.writeKubeconfig();
    return cluster;
  }

  /** Removes the container that was started for this state folder, if there is one. */
  static void remove(Path state, Consumer<String> progress) {
    DockerClient docker = DockerClientFactory.instance().client();
    List<Container> found =
        docker
            .listContainersCmd()
            .withShowAll(true)
            .withLabelFilter(Map.of(LABEL, state.toString()))
            .exec();
    for (Container container : found) {
      progress.accept("removing the container " + container.getId());
      docker.removeContainerCmd(container.getId()).withForce(true).withRemoveVolumes(true).exec();
    }
  }

  @Override
  public Command kubectl() {
    return onThisCluster(programs.require("kubectl", "to speak to the cluster"));
  }

  @Override
  public Command helm() {
    return onThisCluster(programs.require("helm", "to install the operator"));
  }

  @Override
  public List<String> shellSetup() {
    return List.of("export KUBECONFIG=" + kubeconfig());
  }

  @Override
  public String kubectlInShell() {
    return "kubectl";
  }

  @Override
  public KubernetesClient connect() {
    var config = Config.fromKubeconfig(container.getKubeConfigYaml());
    return new KubernetesClientBuilder().withConfig(config).build();
  }

  @Override
  public String loadImages(List<Path> archives, Consumer<String> progress) {
    for (Path archive : archives) {
      progress.accept("importing " + archive.getFileName());
      container.copyFileToContainer(MountableFile.forHostPath(archive), ARCHIVE_IN_CONTAINER);
      inContainer("ctr", "-n", "k8s.io", "images", "import", ARCHIVE_IN_CONTAINER);
      inContainer("rm", ARCHIVE_IN_CONTAINER);
    }
    return archives.size() + " on the node";
  }

  private void inContainer(String... command) {
    try {
      var result = container.execInContainer(command);
      if (result.getExitCode() != 0) {
        throw new CommandFailed(
            "%s in the k3s container ended with status %d: %s"
                .formatted(
                    String.join(" ", command),
                    result.getExitCode(),
                    (result.getStdout() + result.getStderr()).strip()));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new CommandFailed(String.join(" ", command) + " was interrupted");
    }
  }

  private void writeKubeconfig() {
    try {
      Files.createDirectories(state);
      Files.writeString(kubeconfig(), container.getKubeConfigYaml());
    } catch (IOException e) {
      throw new UncheckedIOException("could not write " + kubeconfig(), e);
    }
  }

  private Command onThisCluster(Path program) {
    return Command.of(program.toString()).withEnvironment("KUBECONFIG", kubeconfig().toString());
  }

  private Path kubeconfig() {
    return state.resolve("kubeconfig");
  }
}
