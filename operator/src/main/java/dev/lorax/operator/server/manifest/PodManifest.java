package dev.lorax.operator.server.manifest;

import dev.lorax.operator.server.plan.ServingPlan;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.LocalObjectReference;
import io.fabric8.kubernetes.api.model.PodSecurityContext;
import io.fabric8.kubernetes.api.model.PodSecurityContextBuilder;
import io.fabric8.kubernetes.api.model.PodSpec;
import java.util.ArrayList;
import java.util.List;

/**
 * One replica. The launcher and the shards are native sidecars and the router is the only main
 * container, because kubelet stops the main container first: so the router finishes its streams
 * while the shards still live.
 */
final class PodManifest {

  /** User and group of all our images, and of the files in the pod's volumes. */
  private static final long ID = 10001L;

  private PodManifest() {}

  static PodSpec of(ServingPlan plan) {
    var volumes = new PodVolumes(plan);
    var template = plan.podTemplate();
    PodSpec pod =
        PodScheduling.apply(plan)
            .withAutomountServiceAccountToken(false)
            .withEnableServiceLinks(false)
            .withTerminationGracePeriodSeconds(plan.termination().grace().toSeconds())
            .withSecurityContext(securityContext())
            .withResourceClaims(DeviceClaimManifest.ofPod(plan))
            .withServiceAccountName(template.serviceAccount())
            .withImagePullSecrets(
                template.imagePullSecrets().stream().map(LocalObjectReference::new).toList())
            .withRuntimeClassName(template.runtimeClass())
            .build();
    // A builder copies what it is given, twice; these are most of a pod.
    pod.setInitContainers(sidecars(plan, volumes));
    pod.setContainers(List.of(RouterContainer.of(plan, volumes)));
    pod.setVolumes(volumes.all());
    return pod;
  }

  private static List<Container> sidecars(ServingPlan plan, PodVolumes volumes) {
    var sidecars = new ArrayList<Container>();
    sidecars.add(LauncherContainer.of(plan.launcher(), plan.access(), volumes));
    for (var shards : plan.shardContainers()) {
      sidecars.add(ShardContainer.of(shards, plan, volumes));
    }
    return sidecars;
  }

  private static PodSecurityContext securityContext() {
    return new PodSecurityContextBuilder()
        .withRunAsNonRoot(true)
        .withRunAsUser(ID)
        .withRunAsGroup(ID)
        .withFsGroup(ID)
        .withNewSeccompProfile()
        .withType("RuntimeDefault")
        .endSeccompProfile()
        .build();
  }
}
