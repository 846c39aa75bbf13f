package dev.lorax.e2e.cluster;

import io.fabric8.kubernetes.client.KubernetesClient;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.function.Consumer;

/**
 * A Kubernetes cluster that runs.
 *
 * <p>The cluster is not bound to this object or its process: it goes on until {@link
 * ClusterChoice#down}. Thread-safe.
 */
public interface Cluster {

  /** kubectl, speaking to this cluster. */
  Command kubectl();

  /** Helm, speaking to this cluster. */
  Command helm();

  /** What a person types in a shell once, before {@link #kubectlInShell} works there. */
  List<String> shellSetup();

  /** The beginning of a kubectl line in that shell. */
  String kubectlInShell();

  /** A client of the API server; the caller closes it. */
  KubernetesClient connect();

  /**
   * Makes the images in these archives (docker-archive tar files) known to the nodes, where that
   * can be done from here; returns what came of it, for people.
   */
  String loadImages(List<Path> archives, Consumer<String> progress);

  /** Whether the API server answers. */
  default boolean answers() {
    try {
      kubectl().with("get", "--raw", "/readyz", "--request-timeout=5s").run(Duration.ofSeconds(15));
      return true;
    } catch (CommandFailed _) {
      return false;
    }
  }
}
