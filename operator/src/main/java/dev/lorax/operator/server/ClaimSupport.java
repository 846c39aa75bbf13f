package dev.lorax.operator.server;

import dev.lorax.operator.server.plan.ServingPlan;
import io.fabric8.kubernetes.api.model.resource.v1.ResourceClaimTemplate;
import io.fabric8.kubernetes.client.KubernetesClient;

/**
 * Whether the cluster knows claims for devices. Thread-safe. It is asked only while a plan needs
 * them, and no more once it does: a cluster may learn them while this process runs, and does not
 * forget them.
 */
final class ClaimSupport {

  static final String REASON = "DeviceClaimsUnsupported";
  static final String MESSAGE =
      "this cluster does not serve resource.k8s.io/v1 (Kubernetes 1.34 does): let a device plugin"
          + " provide the devices and name its resource in spec.shards.deviceResource, in the place"
          + " of spec.shards.deviceClaim";

  private volatile boolean known;

  /** Whether the plan can be served as far as claims for devices go. */
  boolean suffices(ServingPlan plan, KubernetesClient client) {
    if (!known && plan.devices() != null) {
      known = client.supports(ResourceClaimTemplate.class);
    }
    return known || plan.devices() == null;
  }
}
