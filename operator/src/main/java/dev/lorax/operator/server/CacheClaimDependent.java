package dev.lorax.operator.server;

import dev.lorax.crds.v1alpha1.LoraxServer;
import dev.lorax.operator.server.manifest.CacheClaimManifest;
import dev.lorax.operator.server.manifest.Labels;
import dev.lorax.operator.server.plan.ServingPlan;
import io.fabric8.kubernetes.api.model.PersistentVolumeClaim;
import io.javaoperatorsdk.operator.api.config.informer.Informer;
import io.javaoperatorsdk.operator.api.reconciler.Context;
import io.javaoperatorsdk.operator.api.reconciler.dependent.DependentResource;
import io.javaoperatorsdk.operator.processing.dependent.Creator;
import io.javaoperatorsdk.operator.processing.dependent.Updater;
import io.javaoperatorsdk.operator.processing.dependent.kubernetes.KubernetesDependent;
import io.javaoperatorsdk.operator.processing.dependent.kubernetes.KubernetesDependentResource;
import io.javaoperatorsdk.operator.processing.dependent.workflow.Condition;

/**
 * Keeps the claim that the replicas share, where the plan has one. It is never deleted from here:
 * it goes with its server, and a spec that names another cache leaves the weights where they are.
 */
@KubernetesDependent(informer = @Informer(labelSelector = Labels.ALL_SERVERS))
public final class CacheClaimDependent
    extends KubernetesDependentResource<PersistentVolumeClaim, LoraxServer>
    implements Creator<PersistentVolumeClaim, LoraxServer>,
        Updater<PersistentVolumeClaim, LoraxServer> {

  @Override
  protected PersistentVolumeClaim desired(LoraxServer server, Context<LoraxServer> context) {
    return CacheClaimManifest.of(plan(context)).orElseThrow();
  }

  private static ServingPlan plan(Context<LoraxServer> context) {
    return context
        .managedWorkflowAndDependentResourceContext()
        .getMandatory(ServingPlan.class, ServingPlan.class);
  }

  /** Whether the plan has such a claim. */
  public static final class Wanted implements Condition<PersistentVolumeClaim, LoraxServer> {
    @Override
    public boolean isMet(
        DependentResource<PersistentVolumeClaim, LoraxServer> dependent,
        LoraxServer server,
        Context<LoraxServer> context) {
      return CacheClaimManifest.of(plan(context)).isPresent();
    }
  }
}
