package dev.lorax.operator.server;

import dev.lorax.crds.v1alpha1.LoraxServer;
import dev.lorax.operator.server.manifest.DeviceClaimManifest;
import dev.lorax.operator.server.manifest.Labels;
import dev.lorax.operator.server.plan.ServingPlan;
import io.fabric8.kubernetes.api.model.resource.v1.ResourceClaimTemplate;
import io.javaoperatorsdk.operator.api.config.informer.Informer;
import io.javaoperatorsdk.operator.api.reconciler.Context;
import io.javaoperatorsdk.operator.api.reconciler.dependent.DependentResource;
import io.javaoperatorsdk.operator.processing.dependent.kubernetes.KubernetesDependent;
import io.javaoperatorsdk.operator.processing.dependent.workflow.Condition;
import java.util.Optional;

/**
 * Keeps the template of claims for devices, where the plan has one. It is never deleted from here:
 * it goes with its server. Such templates are watched only once a plan has needed one, because not
 * every cluster knows them.
 */
@KubernetesDependent(
    informer =
        @Informer(labelSelector = Labels.ALL_SERVERS, onAddFilter = PlannedDependent.Never.class))
public final class DeviceClaimDependent extends PlannedDependent<ResourceClaimTemplate> {

  @Override
  protected Optional<ResourceClaimTemplate> in(ServingPlan plan) {
    return DeviceClaimManifest.of(plan);
  }

  @Override
  protected String nameIn(ServingPlan plan) {
    return plan.devices() == null ? super.nameIn(plan) : plan.devices().template();
  }

  /** Whether the cluster is known to have such templates; the same for all servers. */
  public static final class Known implements Condition<ResourceClaimTemplate, LoraxServer> {
    @Override
    public boolean isMet(
        DependentResource<ResourceClaimTemplate, LoraxServer> dependent,
        LoraxServer server,
        Context<LoraxServer> context) {
      return context
          .managedWorkflowAndDependentResourceContext()
          .getMandatory(ClaimSupport.class, ClaimSupport.class)
          .known();
    }
  }
}
