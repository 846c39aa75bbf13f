package dev.lorax.operator.server;

import dev.lorax.crds.v1alpha1.LoraxServer;
import dev.lorax.operator.server.manifest.Labels;
import dev.lorax.operator.server.manifest.ServiceManifest;
import dev.lorax.operator.server.plan.ServingPlan;
import io.fabric8.kubernetes.api.model.Service;
import io.javaoperatorsdk.operator.api.config.informer.Informer;
import io.javaoperatorsdk.operator.api.reconciler.Context;
import io.javaoperatorsdk.operator.processing.dependent.kubernetes.CRUDKubernetesDependentResource;
import io.javaoperatorsdk.operator.processing.dependent.kubernetes.KubernetesDependent;

/** Keeps the Service of a server as its plan says. */
@KubernetesDependent(informer = @Informer(labelSelector = Labels.ALL_SERVERS))
public final class ServiceDependent extends CRUDKubernetesDependentResource<Service, LoraxServer> {

  @Override
  protected Service desired(LoraxServer server, Context<LoraxServer> context) {
    return ServiceManifest.of(
        context
            .managedWorkflowAndDependentResourceContext()
            .getMandatory(ServingPlan.class, ServingPlan.class));
  }
}
