package dev.lorax.e2e.install;

import dev.lorax.crds.v1alpha1.LoraxServer;
import io.fabric8.kubernetes.api.model.ContainerState;
import io.fabric8.kubernetes.api.model.ContainerStatus;
import io.fabric8.kubernetes.api.model.Event;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;

/**
 * What a namespace says about itself when something went wrong: conditions, containers, events,
 * logs.
 */
public record Diagnosis(KubernetesClient client, String namespace) {

  private static final int EVENTS = 12;
  private static final int SHORT_LOG = 12;
  private static final int SHORT_LINE = 240;

  /** What matters most on a screen. */
  public List<String> shortly() {
    return lines(SHORT_LOG).stream()
        .map(line -> line.length() <= SHORT_LINE ? line : line.substring(0, SHORT_LINE) + "…")
        .toList();
  }

  /** Everything, with this many last lines of each container's log. */
  public List<String> lines(int logLines) {
    List<String> lines = new ArrayList<>();
    lines.add("namespace " + namespace);
    section(lines, "conditions", this::conditions);
    section(lines, "containers", this::containers);
    section(lines, "last events", this::events);
    section(lines, "logs", () -> logs(logLines));
    return lines;
  }

  /**
   * A section that cannot be read says so, for a diagnosis must not hide the failure it explains.
   */
  private static void section(List<String> lines, String title, Source source) {
    lines.add("  " + title);
    try {
      source.read().forEach(line -> lines.add("    " + line));
    } catch (KubernetesClientException e) {
      lines.add("    could not be read: " + (e.getCause() == null ? e.getMessage() : e.getCause()));
    }
  }

  private List<String> conditions() {
    return client.resources(LoraxServer.class).inNamespace(namespace).list().getItems().stream()
        .filter(server -> server.getStatus() != null)
        .flatMap(server ->
            server.getStatus().conditions().stream()
                .map(condition ->
                    "%s: %s=%s %s: %s"
                        .formatted(
                            server.getMetadata().getName(),
                            condition.getType(),
                            condition.getStatus(),
                            condition.getReason(),
                            condition.getMessage())))
        .toList();
  }

  private List<String> containers() {
    return pods().stream()
        .flatMap(pod -> Containers.of(pod).stream().map(container -> describe(pod, container)))
        .toList();
  }

  private static String describe(Pod pod, ContainerStatus container) {
    return "%s/%s: ready=%s restarts=%d state=%s last=%s"
        .formatted(
            pod.getMetadata().getName(),
            container.getName(),
            container.getReady(),
            container.getRestartCount(),
            state(container.getState()),
            state(container.getLastState()));
  }

  private static String state(ContainerState state) {
    if (state == null) {
      return "unknown";
    }
    if (state.getRunning() != null) {
      return "running";
    }
    if (state.getWaiting() != null) {
      return "waiting (%s)".formatted(state.getWaiting().getReason());
    }
    return state.getTerminated() == null
        ? "none"
        : "ended with %d (%s)"
            .formatted(
                state.getTerminated().getExitCode(),
                Objects.requireNonNullElse(state.getTerminated().getMessage(), "").strip());
  }

  private List<String> events() {
    List<Event> events = client.v1().events().inNamespace(namespace).list().getItems();
    return events.stream()
        .sorted(Comparator.comparing(Diagnosis::time))
        .skip(Math.max(0, events.size() - EVENTS))
        .map(event ->
            "%s %s/%s %s: %s"
                .formatted(
                    time(event),
                    event.getInvolvedObject().getKind(),
                    event.getInvolvedObject().getName(),
                    event.getReason(),
                    event.getMessage()))
        .toList();
  }

  private static String time(Event event) {
    return event.getLastTimestamp() != null
        ? event.getLastTimestamp()
        : Objects.requireNonNullElse(event.getMetadata().getCreationTimestamp(), "");
  }

  private List<String> logs(int logLines) {
    List<String> lines = new ArrayList<>();
    for (Pod pod : pods()) {
      for (ContainerStatus container : Containers.of(pod)) {
        String name = pod.getMetadata().getName();
        if (!hasRun(container)) {
          continue;
        }
        lines.add("%s/%s:".formatted(name, container.getName()));
        log(name, container.getName(), logLines).lines().forEach(line -> lines.add("  " + line));
      }
    }
    return lines;
  }

  private static boolean hasRun(ContainerStatus container) {
    return container.getState() != null
        && (container.getState().getWaiting() == null || container.getRestartCount() > 0);
  }

  private String log(String pod, String container, int logLines) {
    try {
      return client
          .pods()
          .inNamespace(namespace)
          .withName(pod)
          .inContainer(container)
          .tailingLines(logLines)
          .getLog();
    } catch (KubernetesClientException e) {
      return "no log: " + e.getMessage();
    }
  }

  private List<Pod> pods() {
    return client.pods().inNamespace(namespace).list().getItems();
  }

  private interface Source {
    List<String> read();
  }
}
