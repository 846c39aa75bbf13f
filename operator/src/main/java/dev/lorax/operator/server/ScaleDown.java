package dev.lorax.operator.server;

import dev.lorax.operator.log.LogKeys;
import dev.lorax.operator.pod.RouterClient;
import dev.lorax.operator.pod.RouterLoad;
import dev.lorax.operator.server.plan.ServingPlan;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sees to it that a server that shrinks loses the replicas with the fewest streams. Which pods go
 * is decided by the ReplicaSet's controller, which takes the cheapest first; so each pod's price is
 * written onto it just before the Deployment shrinks, and at no other time. Every stream of a
 * replica that goes is finished; fewer of them means that it goes sooner.
 */
final class ScaleDown {

  private static final Logger LOG = LoggerFactory.getLogger(ScaleDown.class);

  /** Kubernetes' own; pods without it cost 0. */
  private static final String COST = "controller.kubernetes.io/pod-deletion-cost";

  /** A reconcile waits meanwhile; it happens once in a while. */
  private static final Duration PATIENCE = Duration.ofSeconds(2);

  private final RouterClient routers = new RouterClient(PATIENCE);

  /** Prices the pods where the plan has fewer of them than the Deployment, as it is now, has. */
  void prepare(
      ServingPlan plan,
      Optional<Deployment> deployment,
      Collection<Pod> pods,
      KubernetesClient client) {
    boolean shrinks =
        deployment.filter(now -> now.getSpec().getReplicas() > plan.replicas()).isPresent();
    if (!shrinks || plan.replicas() == 0) {
      return;
    }
    List<Pod> running =
        pods.stream().filter(pod -> pod.getMetadata().getDeletionTimestamp() == null).toList();
    Map<String, RouterLoad> loads = routers.ask(running);
    for (Pod pod : running) {
      RouterLoad load = loads.get(pod.getMetadata().getName());
      // One whose router does not answer serves nobody that could be told of.
      price(pod, load == null ? 0 : load.streams(), client);
    }
  }

  private static void price(Pod pod, long streams, KubernetesClient client) {
    String cost = String.valueOf(Math.min(streams, Integer.MAX_VALUE));
    Map<String, String> annotations = pod.getMetadata().getAnnotations();
    if (cost.equals(annotations.getOrDefault(COST, "0"))) {
      return;
    }
    try {
      client
          .resource(priced(pod, cost))
          .fieldManager(LoraxServerReconciler.FIELD_MANAGER)
          .forceConflicts()
          .serverSideApply();
    } catch (KubernetesClientException e) {
      // Its order among the others is all that is lost.
      LOG.atWarn()
          .addKeyValue(LogKeys.NAMESPACE, pod.getMetadata().getNamespace())
          .addKeyValue(LogKeys.NAME, pod.getMetadata().getName())
          .setCause(e)
          .log("deletion cost could not be written");
    }
  }

  /** Applied server-side, so it holds nothing else. */
  private static Pod priced(Pod pod, String cost) {
    return new PodBuilder()
        .withNewMetadata()
        .withNamespace(pod.getMetadata().getNamespace())
        .withName(pod.getMetadata().getName())
        .addToAnnotations(COST, cost)
        .endMetadata()
        .build();
  }
}
