package dev.lorax.e2e.install;

import dev.lorax.crds.v1alpha1.LoraxServer;
import dev.lorax.crds.v1alpha1.LoraxServerStatus;
import io.fabric8.kubernetes.api.model.Condition;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.KubernetesClient;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** A LoraxServer on its way to Ready. */
public record ServerRollout(
    KubernetesClient client, InstantSource clock, String namespace, String name) {

  /**
   * Waits until all replicas that are asked for answer requests.
   *
   * @throws NotReady at the deadline, or earlier when waiting cannot help
   */
  public void awaitReady(Duration deadline, Consumer<Progress> report) {
    var poll = new Poll(deadline, clock);
    while (poll.next()) {
      LoraxServer server = get().orElseThrow(() -> new NotReady("%s is gone".formatted(title())));
      if (isReady(server)) {
        return;
      }
      List<Pod> pods = pods();
      Trouble.of(pods)
          .ifPresent(trouble -> {
            throw new NotReady("%s cannot become ready: %s".formatted(title(), trouble));
          });
      report.accept(Progress.of(conditions(server), pods, server.getSpec().replicas()));
    }
    throw new NotReady(
        "%s was not ready after %d s: %s"
            .formatted(
                title(),
                deadline.toSeconds(),
                condition("Ready")
                    .map(this::text)
                    .orElse("it has no condition Ready: does the operator run?")));
  }

  /** The condition of this type, as the operator last wrote it. */
  public Optional<Condition> condition(String type) {
    return get().stream()
        .flatMap(server -> conditions(server).stream())
        .filter(condition -> condition.getType().equals(type))
        .findFirst();
  }

  /** The pods of all replicas. */
  public List<Pod> pods() {
    String selector = get().map(LoraxServer::getStatus).map(LoraxServerStatus::selector).orElse("");
    if (selector.isEmpty()) {
      return List.of();
    }
    return client.pods().inNamespace(namespace).withLabelSelector(selector).list().getItems();
  }

  private Optional<LoraxServer> get() {
    return Optional.ofNullable(
        client.resources(LoraxServer.class).inNamespace(namespace).withName(name).get());
  }

  private static boolean isReady(LoraxServer server) {
    LoraxServerStatus status = server.getStatus();
    return status != null
        && Objects.equals(status.observedGeneration(), server.getMetadata().getGeneration())
        && status.readyReplicas().equals(server.getSpec().replicas())
        && conditions(server).stream()
            .anyMatch(condition ->
                condition.getType().equals("Ready") && condition.getStatus().equals("True"));
  }

  private static List<Condition> conditions(LoraxServer server) {
    @Nullable LoraxServerStatus status = server.getStatus();
    return status == null ? List.of() : status.conditions();
  }

  private String text(Condition condition) {
    return "%s=%s, reason %s: %s"
        .formatted(
            condition.getType(),
            condition.getStatus(),
            condition.getReason(),
            condition.getMessage());
  }

  private String title() {
    return "LoraxServer %s/%s".formatted(namespace, name);
  }
}
