package dev.lorax.operator.server.status;

import io.fabric8.kubernetes.api.model.ContainerState;
import io.fabric8.kubernetes.api.model.ContainerStateRunning;
import io.fabric8.kubernetes.api.model.ContainerStateTerminated;
import io.fabric8.kubernetes.api.model.ContainerStateWaiting;
import io.fabric8.kubernetes.api.model.ContainerStatus;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodCondition;
import java.time.Instant;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Fields of a pod's status, any of which may be missing. */
final class PodFields {

  private PodFields() {}

  static Stream<ContainerStatus> statuses(Pod pod) {
    return Stream.concat(
        pod.getStatus().getInitContainerStatuses().stream(),
        pod.getStatus().getContainerStatuses().stream());
  }

  static Optional<PodCondition> condition(Pod pod, String type) {
    return pod.getStatus().getConditions().stream()
        .filter(condition -> type.equals(condition.getType()))
        .findFirst();
  }

  static Optional<ContainerStateWaiting> waiting(ContainerStatus container) {
    return Optional.ofNullable(container.getState()).map(state -> state.getWaiting());
  }

  static Optional<ContainerStateTerminated> terminated(ContainerStatus container) {
    return Stream.of(container.getState(), container.getLastState())
        .flatMap(Stream::ofNullable)
        .map(state -> state.getTerminated())
        .flatMap(Stream::ofNullable)
        .findFirst();
  }

  static String orElse(@Nullable String value, String otherwise) {
    return value == null || value.isBlank() ? otherwise : value;
  }

  static Optional<ContainerStateRunning> running(ContainerStatus container) {
    return Optional.ofNullable(container.getState()).map(ContainerState::getRunning);
  }

  static Optional<Instant> time(@Nullable String text) {
    return Optional.ofNullable(text).map(Instant::parse);
  }
}
