package dev.lorax.operator.server;

import dev.lorax.crds.v1alpha1.LoraxServer;
import dev.lorax.operator.server.manifest.AutoscalerManifest;
import dev.lorax.operator.server.manifest.Labels;
import dev.lorax.operator.server.plan.ServingPlan;
import io.fabric8.kubernetes.api.model.autoscaling.v2.HorizontalPodAutoscaler;
import io.javaoperatorsdk.operator.api.config.informer.Informer;
import io.javaoperatorsdk.operator.api.reconciler.Context;
import io.javaoperatorsdk.operator.api.reconciler.dependent.DependentResource;
import io.javaoperatorsdk.operator.processing.dependent.kubernetes.CRUDKubernetesDependentResource;
import io.javaoperatorsdk.operator.processing.dependent.kubernetes.KubernetesDependent;
import io.javaoperatorsdk.operator.processing.dependent.workflow.Condition;
import io.javaoperatorsdk.operator.processing.event.ResourceID;

/**
 * Keeps the HorizontalPodAutoscaler of a server where its plan has one, and removes it where not.
 */
@KubernetesDependent(informer = @Informer(labelSelector = Labels.ALL_SERVERS))
public final class AutoscalerDependent
    extends CRUDKubernetesDependentResource<HorizontalPodAutoscaler, LoraxServer> {

  @Override
  protected HorizontalPodAutoscaler desired(LoraxServer server, Context<LoraxServer> context) {
    return AutoscalerManifest.of(plan(context)).orElseThrow();
  }

  /** Named like its server, also when it is to go and the plan says nothing of it. */
  @Override
  protected ResourceID targetSecondaryResourceID(LoraxServer server, Context<LoraxServer> context) {
    return ResourceID.fromResource(server);
  }

  private static ServingPlan plan(Context<LoraxServer> context) {
    return context
        .managedWorkflowAndDependentResourceContext()
        .getMandatory(ServingPlan.class, ServingPlan.class);
  }

  /** Whether the plan has such an autoscaler. */
  public static final class Wanted implements Condition<HorizontalPodAutoscaler, LoraxServer> {
    @Override
    public boolean isMet(
        DependentResource<HorizontalPodAutoscaler, LoraxServer> dependent,
        LoraxServer server,
        Context<LoraxServer> context) {
      return AutoscalerManifest.of(plan(context)).isPresent();
    }
  }
}
