package dev.lorax.e2e.story;

import static org.awaitility.Awaitility.await;

import dev.lorax.e2e.install.Installation;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.KubernetesClient;
import java.util.Objects;

/** The processes of the operator, of which one is elected to work. */
final class OperatorProcesses {

  private static final String NAME = "lorax-operator";

  private final World world;

  OperatorProcesses(World world) {
    this.world = world;
  }

  /**
   * The pod that holds the lease and stays. Waited for: a process that ends gives the lease back,
   * and {@code helm} comes back while the one before still ends.
   */
  String leader() {
    return await().atMost(World.OPERATOR_DEADLINE).until(this::holder, this::stays);
  }

  private String holder() {
    KubernetesClient client = world.client();
    var lease =
        client.leases().inNamespace(Installation.OPERATOR_NAMESPACE).withName(NAME).require();
    return Objects.requireNonNullElse(lease.getSpec().getHolderIdentity(), "");
  }

  private boolean stays(String name) {
    if (name.isEmpty()) {
      return false;
    }
    Pod pod =
        world.client().pods().inNamespace(Installation.OPERATOR_NAMESPACE).withName(name).get();
    return pod != null && pod.getMetadata().getDeletionTimestamp() == null;
  }

  /** Ends a pod at once: its processes get SIGKILL and give nothing back. */
  void kill(String pod) {
    inItsNamespace("delete", "pod", pod, "--force", "--grace-period=0");
  }

  /** Replaces all of them as an update of the image does, and waits until the new ones run. */
  void replace() {
    inItsNamespace("rollout", "restart", "deployment/" + NAME);
    inItsNamespace("rollout", "status", "deployment/" + NAME);
  }

  private void inItsNamespace(String... words) {
    world
        .kubectlCommand()
        .with("--namespace", Installation.OPERATOR_NAMESPACE)
        .with(words)
        .run(World.OPERATOR_DEADLINE);
  }
}
