package dev.lorax.operator.server;

import dev.lorax.crds.v1alpha1.LoraxServer;
import dev.lorax.operator.server.manifest.Labels;
import dev.lorax.operator.server.manifest.ServiceManifest;
import dev.lorax.operator.server.plan.ServingPlan;
import io.fabric8.kubernetes.api.model.Service;
import io.javaoperatorsdk.operator.api.config.informer.Informer;
import io.javaoperatorsdk.operator.api.reconciler.dependent.GarbageCollected;
import io.javaoperatorsdk.operator.processing.dependent.kubernetes.KubernetesDependent;
import java.util.Optional;

/** Keeps the Service of a server as its plan says. */
@KubernetesDependent(
    informer =
        @Informer(labelSelector = Labels.ALL_SERVERS, onAddFilter = PlannedDependent.Never.class))
public final class ServiceDependent extends PlannedDependent<Service>
    implements GarbageCollected<LoraxServer> {

  @Override
  protected Optional<Service> in(ServingPlan plan) {
    return Optional.of(ServiceManifest.of(plan));
  }
}
