package dev.lorax.operator.server.manifest;

import dev.lorax.operator.server.plan.PodLayout;
import dev.lorax.operator.server.plan.ServingPlan;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.ContainerBuilder;
import io.fabric8.kubernetes.api.model.EnvVar;
import java.util.List;

/** The main container, whose agent starts the router. */
final class RouterContainer {

  static final String NAME = "router";

  /** Schemes of its URLs, and names of its port. */
  static final String HTTP = "http";

  static final String HTTPS = "https";

  private RouterContainer() {}

  /** Scheme of the URLs that routers of this plan answer. */
  static String scheme(ServingPlan plan) {
    return plan.router().tlsSecret() == null ? HTTP : HTTPS;
  }

  static Container of(ServingPlan plan, PodVolumes volumes) {
    return new ContainerBuilder()
        .withName(NAME)
        .withImage(plan.router().image())
        .withCommand(PodLayout.AGENT_PROGRAM)
        .withArgs("--role", "router", "--index", "0", "--control", PodLayout.CONTROL_SOCKET)
        .addNewPort()
        .withName(scheme(plan))
        .withContainerPort(PodLayout.ROUTER_PORT)
        .withProtocol("TCP")
        .endPort()
        .withReadinessProbe(
            ContainerParts.probe(scheme(plan), "/health", PodLayout.ROUTER_PORT, 2, 2))
        .withEnv(environment(plan))
        .withResources(ContainerParts.resources(plan.router().resources()))
        .withSecurityContext(ContainerParts.restricted(false))
        .withTerminationMessagePolicy(ContainerParts.TERMINATION_MESSAGE_POLICY)
        .withVolumeMounts(volumes.ofRouter())
        .build();
  }

  private static List<EnvVar> environment(ServingPlan plan) {
    // Requests still come in until every proxy has heard that this endpoint goes away. The router
    // itself waits for that, because it can ask clients that keep connections to come back
    // elsewhere; a preStop hook cannot.
    long seconds = plan.termination().endpointPropagation().toSeconds();
    return List.of(new EnvVar("LAME_DUCK_S", String.valueOf(seconds), null));
  }
}
