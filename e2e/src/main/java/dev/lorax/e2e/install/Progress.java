package dev.lorax.e2e.install;

import io.fabric8.kubernetes.api.model.Condition;
import io.fabric8.kubernetes.api.model.ContainerStatus;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodCondition;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;

/**
 * How far a LoraxServer has come, in words for people.
 *
 * @param doing what is being done now
 * @param left what comes after it, in order
 */
public record Progress(String doing, List<String> left) {

  private static final List<String> STAGES = List.of("pod", "launcher", "shards", "router");

  public Progress {
    left = List.copyOf(left);
  }

  /** Reads the state of the replica that is furthest behind. */
  static Progress of(List<Condition> conditions, List<Pod> pods, int replicas) {
    if (pods.size() < replicas) {
      String pod = replicas == 1 ? "the pod" : "pod %d of %d".formatted(pods.size() + 1, replicas);
      return at(0, "waiting for the operator to make " + pod);
    }
    return pods.stream()
        .map(Progress::of)
        .max(Comparator.comparingInt(progress -> progress.left().size()))
        .filter(progress -> !progress.doing().isEmpty())
        .orElseGet(() -> at(STAGES.size(), "waiting for the condition Ready" + ready(conditions)));
  }

  private static Progress of(Pod pod) {
    List<ContainerStatus> containers = Containers.of(pod);
    if (containers.isEmpty()) {
      return at(0, "scheduling the pod" + unscheduled(pod));
    }
    ContainerStatus launcher = containers.getFirst();
    if (launcher.getState() == null || launcher.getState().getRunning() == null) {
      return at(0, "making the pod: images, volumes and first container");
    }
    if (!launcher.getReady()) {
      return at(1, "launcher: fetching and converting the model");
    }
    List<ContainerStatus> shards = containers.subList(1, containers.size() - 1);
    long loaded = shards.stream().filter(ContainerStatus::getReady).count();
    if (loaded < shards.size()) {
      return at(2, "shards: loading the model, %d of %d done".formatted(loaded, shards.size()));
    }
    return containers.getLast().getReady()
        ? at(STAGES.size(), "")
        : at(3, "router: connecting to the shards, warming up and loading adapters");
  }

  private static Progress at(int stage, String doing) {
    List<String> left = new ArrayList<>();
    if (stage + 1 < STAGES.size()) {
      left.addAll(STAGES.subList(stage + 1, STAGES.size()));
    }
    return new Progress(doing, left);
  }

  private static String unscheduled(Pod pod) {
    return pod.getStatus().getConditions().stream()
        .filter(condition -> condition.getType().equals("PodScheduled"))
        .map(PodCondition::getMessage)
        .filter(Objects::nonNull)
        .map(message -> ": " + message)
        .findFirst()
        .orElse("");
  }

  private static String ready(List<Condition> conditions) {
    return conditions.stream()
        .filter(condition -> condition.getType().equals("Ready"))
        .map(condition -> ": %s (%s)".formatted(condition.getMessage(), condition.getReason()))
        .findFirst()
        .orElse("");
  }
}
