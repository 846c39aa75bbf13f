package dev.lorax.operator.server.manifest;

import dev.lorax.operator.server.plan.ServingPlan;
import io.fabric8.kubernetes.api.model.Service;
import io.fabric8.kubernetes.api.model.ServiceBuilder;

/** The Service in front of the replicas of a server. */
public final class ServiceManifest {

  private ServiceManifest() {}

  public static Service of(ServingPlan plan) {
    String name = plan.server().name();
    return new ServiceBuilder()
        .withMetadata(Metadata.of(plan))
        .withNewSpec()
        .withType(plan.service().type())
        .withSelector(Labels.selector(name))
        .addNewPort()
        .withName("http")
        .withProtocol("TCP")
        .withPort(plan.service().port())
        .withNewTargetPort("http")
        .endPort()
        .endSpec()
        .build();
  }
}
