package dev.lorax.operator.server.manifest;

import dev.lorax.operator.server.plan.PodLayout;
import dev.lorax.operator.server.plan.ServingPlan;
import io.fabric8.kubernetes.api.model.ObjectMeta;
import io.fabric8.kubernetes.api.model.Service;
import io.fabric8.kubernetes.api.model.ServiceBuilder;

/** The Service in front of the replicas of a server. */
public final class ServiceManifest {

  private ServiceManifest() {}

  public static Service of(ServingPlan plan) {
    String name = plan.server().name();
    return new ServiceBuilder()
        .withMetadata(metadata(plan))
        .withNewSpec()
        .withType(plan.service().type())
        .withLoadBalancerClass(plan.service().loadBalancerClass())
        .withSelector(Labels.selector(name))
        .addNewPort()
        .withName(RouterContainer.scheme(plan))
        .withProtocol("TCP")
        .withPort(plan.service().port())
        .withNodePort(plan.service().nodePort())
        // By number: the name follows the scheme, and pods of both are ready while one changes.
        .withNewTargetPort(PodLayout.ROUTER_PORT)
        .endPort()
        .endSpec()
        .build();
  }

  private static ObjectMeta metadata(ServingPlan plan) {
    ObjectMeta metadata = Metadata.of(plan);
    metadata.setAnnotations(plan.service().annotations());
    return metadata;
  }
}
