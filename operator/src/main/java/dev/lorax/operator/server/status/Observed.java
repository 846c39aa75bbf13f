package dev.lorax.operator.server.status;

import dev.lorax.operator.server.plan.ServingPlan;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What is seen of a server that could be planned. */
public final class Observed {

  private final ServingPlan plan;
  private final @Nullable Deployment deployment;
  private final List<Replica> replicas;

  /**
   * @param reports what launchers said, by the names of their pods
   */
  public Observed(
      ServingPlan plan,
      Optional<Deployment> deployment,
      Collection<Pod> pods,
      Map<String, LauncherReport> reports) {
    this.plan = plan;
    this.deployment = deployment.orElse(null);
    this.replicas =
        pods.stream()
            .map(pod -> PodReader.read(pod, reports.get(pod.getMetadata().getName())))
            .sorted(Comparator.comparing(Replica::pod))
            .toList();
  }

  /** Pods whose launcher may know more than their container statuses tell. */
  public static List<Pod> loading(Collection<Pod> pods) {
    return pods.stream()
        .filter(PodReader::loads)
        .sorted(Comparator.comparing(pod -> pod.getMetadata().getName()))
        .toList();
  }

  ServingPlan plan() {
    return plan;
  }

  /** Replicas that are not about to go. */
  List<Replica> existing() {
    return replicas.stream().filter(Replica::exists).toList();
  }

  List<Replica> all() {
    return replicas;
  }

  int ready() {
    return (int) replicas.stream().filter(Replica::ready).count();
  }

  int past(int stage) {
    return (int) existing().stream().filter(replica -> replica.past(stage)).count();
  }

  /** Why no pod could be made, for example a quota or a pod security policy. */
  Optional<String> podsRefused() {
    return Optional.ofNullable(deployment)
        .map(Deployment::getStatus)
        .flatMap(status ->
            status.getConditions().stream()
                .filter(condition -> "ReplicaFailure".equals(condition.getType()))
                .filter(condition -> "True".equals(condition.getStatus()))
                .map(condition -> condition.getMessage())
                .findFirst());
  }

  /** Replicas that run the current spec; 0 until the Deployment's controller has seen that spec. */
  int upToDate() {
    if (deployment == null || deployment.getStatus() == null) {
      return 0;
    }
    Long seen = deployment.getStatus().getObservedGeneration();
    Integer updated = deployment.getStatus().getUpdatedReplicas();
    boolean current = seen != null && seen >= deployment.getMetadata().getGeneration();
    return current && updated != null ? updated : 0;
  }
}
