package dev.lorax.e2e.install;

import io.fabric8.kubernetes.api.model.ContainerStatus;
import io.fabric8.kubernetes.api.model.ContainerStatusBuilder;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import java.util.ArrayList;
import java.util.List;

/** Pods of a server as a kubelet reports them. */
final class Pods {

  private Pods() {}

  /**
   * Launcher, shards and router: {@code ?} waits, {@code -} runs, {@code +} is ready, and any other
   * word is the reason for which it waits.
   */
  static Pod of(String... states) {
    List<ContainerStatus> statuses = new ArrayList<>();
    for (int index = 0; index < states.length; index++) {
      boolean router = index == states.length - 1;
      String name = router ? "router" : index == 0 ? "launcher" : "shard-" + (index - 1);
      statuses.add(status(name, states[index]));
    }
    return new PodBuilder()
        .withNewMetadata()
        .withName("demo-0")
        .endMetadata()
        .withNewStatus()
        .withInitContainerStatuses(statuses.subList(0, statuses.size() - 1))
        .withContainerStatuses(statuses.getLast())
        .endStatus()
        .build();
  }

  private static ContainerStatus status(String name, String state) {
    var status =
        new ContainerStatusBuilder()
            .withName(name)
            .withImage("lorax/x")
            .withReady(state.equals("+"));
    if (state.equals("+") || state.equals("-")) {
      return status.withNewState().withNewRunning().endRunning().endState().build();
    }
    String reason = state.equals("?") ? "PodInitializing" : state;
    return status
        .withNewState()
        .withNewWaiting()
        .withReason(reason)
        .withMessage("told by the kubelet")
        .endWaiting()
        .endState()
        .withNewLastState()
        .withNewTerminated()
        .withExitCode(1)
        .withMessage("model file /models/x.gguf does not exist")
        .endTerminated()
        .endLastState()
        .build();
  }
}
