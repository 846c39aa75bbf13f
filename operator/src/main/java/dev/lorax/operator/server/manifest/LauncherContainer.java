package dev.lorax.operator.server.manifest;

import dev.lorax.operator.server.plan.PodLayout;
import dev.lorax.operator.server.plan.ServingPlan.LauncherPlan;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.ContainerBuilder;

/** The sidecar that fetches the model and starts the processes of the other containers. */
final class LauncherContainer {

  static final String NAME = "launcher";

  private LauncherContainer() {}

  static Container of(LauncherPlan launcher, PodVolumes volumes) {
    return new ContainerBuilder()
        .withName(NAME)
        .withImage(launcher.image())
        .withRestartPolicy("Always")
        .withCommand(PodLayout.LAUNCHER_PROGRAM)
        .withArgs(launcher.arguments())
        .addNewPort()
        .withName("status")
        .withContainerPort(PodLayout.STATUS_PORT)
        .withProtocol("TCP")
        .endPort()
        .withStartupProbe(ContainerParts.attached(NAME))
        .withReadinessProbe(ContainerParts.ready(NAME))
        .withResources(ContainerParts.resources(launcher.resources()))
        .withSecurityContext(ContainerParts.restricted(false))
        .withTerminationMessagePolicy(ContainerParts.TERMINATION_MESSAGE_POLICY)
        .withVolumeMounts(volumes.ofLauncher())
        .build();
  }
}
