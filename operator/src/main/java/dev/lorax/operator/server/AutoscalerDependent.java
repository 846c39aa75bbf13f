package dev.lorax.operator.server;

import dev.lorax.crds.v1alpha1.LoraxServer;
import dev.lorax.operator.server.manifest.AutoscalerManifest;
import dev.lorax.operator.server.manifest.Labels;
import dev.lorax.operator.server.plan.ServingPlan;
import io.fabric8.kubernetes.api.model.autoscaling.v2.HorizontalPodAutoscaler;
import io.javaoperatorsdk.operator.api.config.informer.Informer;
import io.javaoperatorsdk.operator.api.reconciler.dependent.GarbageCollected;
import io.javaoperatorsdk.operator.processing.dependent.kubernetes.KubernetesDependent;
import java.util.Optional;

/**
 * Keeps the HorizontalPodAutoscaler of a server where its plan has one, and removes it where not.
 */
@KubernetesDependent(
    informer =
        @Informer(labelSelector = Labels.ALL_SERVERS, onAddFilter = PlannedDependent.Never.class))
public final class AutoscalerDependent extends PlannedDependent<HorizontalPodAutoscaler>
    implements GarbageCollected<LoraxServer> {

  @Override
  protected Optional<HorizontalPodAutoscaler> in(ServingPlan plan) {
    return AutoscalerManifest.of(plan);
  }
}
