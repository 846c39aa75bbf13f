package dev.lorax.operator.server.manifest;

import dev.lorax.operator.server.plan.PodLayout;
import dev.lorax.operator.server.plan.ServingPlan;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.ContainerBuilder;

/** The main container, whose agent starts the router. */
final class RouterContainer {

  private static final String NAME = "router";

  private RouterContainer() {}

  static Container of(ServingPlan plan, PodVolumes volumes) {
    return new ContainerBuilder()
        .withName(NAME)
        .withImage(plan.router().image())
        .withCommand(PodLayout.AGENT_PROGRAM)
        .withArgs("--role", "router", "--index", "0", "--control", PodLayout.CONTROL_SOCKET)
        .addNewPort()
        .withName("http")
        .withContainerPort(PodLayout.ROUTER_PORT)
        .withProtocol("TCP")
        .endPort()
        .withReadinessProbe(ContainerParts.probe("/health", PodLayout.ROUTER_PORT, 2, 2))
        // Requests still come in until every proxy has heard that this endpoint goes away.
        .withNewLifecycle()
        .withNewPreStop()
        .withNewSleep(plan.termination().endpointPropagation().toSeconds())
        .endPreStop()
        .endLifecycle()
        .withResources(ContainerParts.resources(plan.router().resources()))
        .withSecurityContext(ContainerParts.restricted(false))
        .withTerminationMessagePolicy(ContainerParts.TERMINATION_MESSAGE_POLICY)
        .withVolumeMounts(volumes.ofRouter())
        .build();
  }
}
