package dev.lorax.operator.server.status;

import io.fabric8.kubernetes.api.model.ContainerStateWaiting;
import io.fabric8.kubernetes.api.model.ContainerStatus;
import io.fabric8.kubernetes.api.model.Pod;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Reads how far a pod has come from its container statuses and, where its launcher was asked, from
 * what that one said. Statuses suffice for the stage; only the launcher knows how far a download is
 * and why shards start again.
 */
final class PodReader {

  private static final String LAUNCHER = "launcher";
  private static final String SHARD_PREFIX = "shard";

  private static final Set<String> IMAGE_REASONS =
      Set.of("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull");

  private static final Set<String> REFUSED_REASONS =
      Set.of("CreateContainerConfigError", "CreateContainerError", "RunContainerError");

  private PodReader() {}

  static Replica read(Pod pod, @Nullable LauncherReport report) {
    PodState state = state(pod);
    return new Replica(
        pod.getMetadata().getName(), report == null ? state : refined(state, report));
  }

  /** Whether its launcher runs and may know more than the container statuses tell. */
  static boolean loads(Pod pod) {
    return switch (state(pod)) {
      case PodState.OnItsWay _ -> launcherRuns(pod);
      case PodState.Crashing(var container, _, _) ->
          container.equals(LAUNCHER) && launcherRuns(pod);
      default -> false;
    };
  }

  /**
   * A launcher that ended before and is downloading now has got past what ended it. Before its
   * first byte that is not known yet, and the status would flap between two attempts.
   */
  private static PodState refined(PodState state, LauncherReport report) {
    ModelProgress progress = ModelProgress.of(report);
    return switch (state) {
      case PodState.Downloading _ -> new PodState.Downloading(progress);
      case PodState.Crashing crashing ->
          progress == null ? crashing : new PodState.Downloading(progress);
      case PodState.ShardsLoading _, PodState.RouterStarting _ ->
          report
              .recentFailure()
              .<PodState>map(failure ->
                  new PodState.StartingAgain(((PodState.OnItsWay) state).stage(), failure))
              .orElse(state);
      default -> state;
    };
  }

  private static PodState state(Pod pod) {
    if (pod.getMetadata().getDeletionTimestamp() != null) {
      return new PodState.Stopping();
    }
    if (pod.getStatus() == null) {
      return new PodState.Starting();
    }
    return failed(pod)
        .or(() -> unschedulable(pod))
        .or(() -> firstStuck(pod))
        .orElseGet(() -> progress(pod));
  }

  private static Optional<PodState> failed(Pod pod) {
    if (!"Failed".equals(pod.getStatus().getPhase())) {
      return Optional.empty();
    }
    var cause =
        PodFields.orElse(
            pod.getStatus().getMessage(), PodFields.orElse(pod.getStatus().getReason(), "unknown"));
    return Optional.of(new PodState.Failed(cause));
  }

  private static Optional<PodState> unschedulable(Pod pod) {
    return PodFields.condition(pod, "PodScheduled")
        .filter(condition -> "False".equals(condition.getStatus()))
        .map(condition ->
            new PodState.Unschedulable(PodFields.orElse(condition.getMessage(), "no node yet")));
  }

  private static Optional<PodState> firstStuck(Pod pod) {
    return PodFields.statuses(pod)
        .map(container -> stuck(pod, container))
        .flatMap(Optional::stream)
        .findFirst();
  }

  private static Optional<PodState> stuck(Pod pod, ContainerStatus container) {
    return PodFields.waiting(container)
        .flatMap(waiting -> stuckWaiting(container, waiting))
        .or(() -> wasReady(pod, container) ? Optional.empty() : crashed(container));
  }

  /** Whether the pod was ready since this container started, and is not any more. */
  private static boolean wasReady(Pod pod, ContainerStatus container) {
    return PodFields.running(container)
        .flatMap(running -> PodFields.time(running.getStartedAt()))
        .filter(started ->
            PodFields.condition(pod, "Ready")
                .flatMap(ready -> PodFields.time(ready.getLastTransitionTime()))
                .filter(started::isBefore)
                .isPresent())
        .isPresent();
  }

  private static Optional<PodState> stuckWaiting(
      ContainerStatus container, ContainerStateWaiting waiting) {
    String reason = PodFields.orElse(waiting.getReason(), "");
    String cause = PodFields.orElse(waiting.getMessage(), reason);
    if (IMAGE_REASONS.contains(reason)) {
      return Optional.of(
          new PodState.ImagePullFailed(container.getName(), container.getImage(), cause));
    }
    if (REFUSED_REASONS.contains(reason)) {
      return Optional.of(new PodState.ContainerRefused(container.getName(), cause));
    }
    return Optional.empty();
  }

  /**
   * Between two crashes a container runs for a moment. It counts as crashing until it has become
   * ready again, else the status would flap with every restart.
   */
  private static Optional<PodState> crashed(ContainerStatus container) {
    if (Boolean.TRUE.equals(container.getReady())) {
      return Optional.empty();
    }
    return PodFields.terminated(container)
        .filter(end -> end.getExitCode() != 0)
        .map(end ->
            new PodState.Crashing(
                container.getName(),
                end.getExitCode(),
                LastWords.of(end, container.getName().equals(LAUNCHER))));
  }

  private static PodState progress(Pod pod) {
    if (PodFields.condition(pod, "Ready")
        .filter(ready -> "True".equals(ready.getStatus()))
        .isPresent()) {
      return new PodState.Ready();
    }
    if (!launcherRuns(pod)) {
      return new PodState.Starting();
    }
    if (!launcher(pod).map(ContainerStatus::getReady).orElse(false)) {
      return launcher(pod).filter(launcher -> wasReady(pod, launcher)).isPresent()
          ? new PodState.LauncherSilent()
          : new PodState.Downloading(null);
    }
    List<ContainerStatus> shards =
        PodFields.statuses(pod).filter(named(name -> name.startsWith(SHARD_PREFIX))).toList();
    int ready = (int) shards.stream().filter(ContainerStatus::getReady).count();
    return ready < shards.size()
        ? new PodState.ShardsLoading(ready, shards.size())
        : new PodState.RouterStarting();
  }

  private static boolean launcherRuns(Pod pod) {
    return launcher(pod).flatMap(PodFields::running).isPresent();
  }

  private static Optional<ContainerStatus> launcher(Pod pod) {
    return PodFields.statuses(pod).filter(named(LAUNCHER::equals)).findFirst();
  }

  private static Predicate<ContainerStatus> named(Predicate<String> name) {
    return status -> name.test(status.getName());
  }
}
