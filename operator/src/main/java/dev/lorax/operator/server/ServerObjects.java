package dev.lorax.operator.server;

import dev.lorax.crds.v1alpha1.LoraxServer;
import dev.lorax.operator.server.apply.Applier;
import dev.lorax.operator.server.manifest.AutoscalerManifest;
import dev.lorax.operator.server.manifest.CacheClaimManifest;
import dev.lorax.operator.server.manifest.DeploymentManifest;
import dev.lorax.operator.server.manifest.DeviceClaimManifest;
import dev.lorax.operator.server.manifest.DisruptionBudgetManifest;
import dev.lorax.operator.server.manifest.ServiceManifest;
import dev.lorax.operator.server.plan.ServingPlan;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.PersistentVolumeClaim;
import io.fabric8.kubernetes.api.model.Service;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.api.model.autoscaling.v2.HorizontalPodAutoscaler;
import io.fabric8.kubernetes.api.model.policy.v1.PodDisruptionBudget;
import io.fabric8.kubernetes.api.model.resource.v1.ResourceClaimTemplate;
import io.javaoperatorsdk.operator.AggregatedOperatorException;
import io.javaoperatorsdk.operator.api.reconciler.Context;
import io.javaoperatorsdk.operator.api.reconciler.EventSourceContext;
import io.javaoperatorsdk.operator.processing.event.source.EventSource;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * All objects that belong to a server. One after the other and on the thread of the reconcile: to
 * hand six comparisons to other threads costs more than the comparisons.
 */
final class ServerObjects {

  private final OwnedObjects<PersistentVolumeClaim> cacheClaims;
  private final OwnedObjects<ResourceClaimTemplate> deviceClaims;
  private final OwnedObjects<Deployment> deployments;
  private final OwnedObjects<Service> services;
  private final OwnedObjects<PodDisruptionBudget> budgets;
  private final OwnedObjects<HorizontalPodAutoscaler> autoscalers;

  private volatile boolean deviceClaimsWatched;

  ServerObjects(Applier applier) {
    cacheClaims = new OwnedObjects<>(PersistentVolumeClaim.class, applier);
    deviceClaims = new OwnedObjects<>(ResourceClaimTemplate.class, applier);
    deployments = new OwnedObjects<>(Deployment.class, applier);
    services = new OwnedObjects<>(Service.class, applier);
    budgets = new OwnedObjects<>(PodDisruptionBudget.class, applier);
    autoscalers = new OwnedObjects<>(HorizontalPodAutoscaler.class, applier);
  }

  /** Sources of the kinds that each cluster knows. */
  List<EventSource<?, LoraxServer>> eventSources(EventSourceContext<LoraxServer> context) {
    return List.of(
        cacheClaims.eventSource(context),
        deployments.eventSource(context),
        services.eventSource(context),
        budgets.eventSource(context),
        autoscalers.eventSource(context));
  }

  /** The Deployment of a server, as it was seen or written last. */
  Optional<Deployment> deployment(LoraxServer server, Context<LoraxServer> context) {
    return deployments.find(server, server.getMetadata().getName(), context);
  }

  /** The Service of a server, as it was seen or written last. */
  Optional<Service> service(LoraxServer server, Context<LoraxServer> context) {
    return services.find(server, server.getMetadata().getName(), context);
  }

  /**
   * Makes, changes and removes what differs from the plan.
   *
   * @throws AggregatedOperatorException with all refusals, after each object has been tried
   */
  void keep(LoraxServer server, ServingPlan plan, Context<LoraxServer> context) {
    var attempt = new Attempt(server, context);
    // Claims go with their server alone: a spec that names another cache leaves the weights.
    attempt.keep(cacheClaims, CacheClaimManifest.of(plan));
    if (plan.devices() != null) {
      watchDeviceClaims(context);
      attempt.keep(deviceClaims, DeviceClaimManifest.of(plan));
    }
    attempt.keep(deployments, Optional.of(DeploymentManifest.of(plan)));
    attempt.keep(services, Optional.of(ServiceManifest.of(plan)));
    attempt.keepOrRemove(budgets, DisruptionBudgetManifest.of(plan));
    attempt.keepOrRemove(autoscalers, AutoscalerManifest.of(plan));
    attempt.end();
  }

  /** Not before a plan has one, because not every cluster knows them. Waits until all are seen. */
  private void watchDeviceClaims(Context<LoraxServer> context) {
    if (!deviceClaimsWatched) {
      var sources = context.eventSourceRetriever();
      sources.dynamicallyRegisterEventSource(
          deviceClaims.eventSource(sources.eventSourceContextForDynamicRegistration()));
      deviceClaimsWatched = true;
    }
  }

  /** One refused object does not keep the others from being as they shall be. */
  private static final class Attempt {

    private final LoraxServer server;
    private final Context<LoraxServer> context;
    private final Map<String, Exception> failures = new LinkedHashMap<>();

    Attempt(LoraxServer server, Context<LoraxServer> context) {
      this.server = server;
      this.context = context;
    }

    <R extends HasMetadata> void keep(OwnedObjects<R> objects, Optional<R> wanted) {
      wanted.ifPresent(object -> run(objects, () -> objects.keep(server, object, context)));
    }

    <R extends HasMetadata> void keepOrRemove(OwnedObjects<R> objects, Optional<R> wanted) {
      keep(objects, wanted);
      if (wanted.isEmpty()) {
        run(objects, () -> objects.remove(server, server.getMetadata().getName(), context));
      }
    }

    private void run(OwnedObjects<?> objects, Runnable step) {
      try {
        step.run();
      } catch (RuntimeException e) {
        failures.put(objects.kind(), e);
      }
    }

    void end() {
      if (!failures.isEmpty()) {
        throw new AggregatedOperatorException("objects could not be kept", failures);
      }
    }
  }
}
