package dev.lorax.e2e.install;

import io.fabric8.kubernetes.api.model.ContainerStateTerminated;
import io.fabric8.kubernetes.api.model.ContainerStateWaiting;
import io.fabric8.kubernetes.api.model.ContainerStatus;
import io.fabric8.kubernetes.api.model.Pod;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;

/** States of containers that waiting does not cure. */
final class Trouble {

  private static final Set<String> IMAGE =
      Set.of("ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName");
  private static final Set<String> CONFIGURATION =
      Set.of("CreateContainerConfigError", "CreateContainerError", "RunContainerError");

  private Trouble() {}

  /** The first trouble in the pods' containers, in words for people. */
  static Optional<String> of(List<Pod> pods) {
    return pods.stream()
        .flatMap(pod ->
            Containers.of(pod).stream().flatMap(container -> describe(pod, container).stream()))
        .findFirst();
  }

  private static Optional<String> describe(Pod pod, ContainerStatus container) {
    ContainerStateWaiting waiting =
        container.getState() == null ? null : container.getState().getWaiting();
    if (waiting == null || waiting.getReason() == null) {
      return Optional.empty();
    }
    String where =
        "container %s of pod %s: ".formatted(container.getName(), pod.getMetadata().getName());
    String reason = waiting.getReason();
    String message = Objects.requireNonNullElse(waiting.getMessage(), "no message");
    if (IMAGE.contains(reason)) {
      return Optional.of(
          where
              + "%s (%s); load the image %s into the nodes"
                  .formatted(reason, message, container.getImage()));
    }
    if (CONFIGURATION.contains(reason)) {
      return Optional.of(where + "%s (%s)".formatted(reason, message));
    }
    return reason.equals("CrashLoopBackOff")
        ? Optional.of(where + "it ended again and again, " + lastEnd(container))
        : Optional.empty();
  }

  private static String lastEnd(ContainerStatus container) {
    ContainerStateTerminated last =
        container.getLastState() == null ? null : container.getLastState().getTerminated();
    if (last == null) {
      return "and left no message";
    }
    String message = Objects.requireNonNullElse(last.getMessage(), "").strip();
    return "last with exit code %d%s"
        .formatted(last.getExitCode(), message.isEmpty() ? "" : ": " + message);
  }
}
