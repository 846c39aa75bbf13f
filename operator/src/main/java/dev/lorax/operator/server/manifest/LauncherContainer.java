package dev.lorax.operator.server.manifest;

import dev.lorax.operator.server.plan.PodLayout;
import dev.lorax.operator.server.plan.ServingPlan.LauncherPlan;
import dev.lorax.operator.server.plan.SourceAccess;
import dev.lorax.operator.server.plan.SourceAccess.SecretVariable;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.ContainerBuilder;
import io.fabric8.kubernetes.api.model.EnvVar;
import java.util.List;

/** The sidecar that fetches the model and starts the processes of the other containers. */
final class LauncherContainer {

  static final String NAME = "launcher";

  /** Name of its port. */
  static final String STATUS = "status";

  private LauncherContainer() {}

  static Container of(LauncherPlan launcher, SourceAccess access, PodVolumes volumes) {
    return new ContainerBuilder()
        .withName(NAME)
        .withImage(launcher.image())
        .withRestartPolicy("Always")
        .withCommand(PodLayout.LAUNCHER_PROGRAM)
        .withArgs(launcher.arguments())
        .withEnv(environment(access))
        .addNewPort()
        .withName(STATUS)
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

  /** A variable, because kubelet names a missing Secret or key where a variable needs it. */
  private static List<EnvVar> environment(SourceAccess access) {
    List<EnvVar> variables = ContainerParts.sources(access);
    if (access.hubToken() != null) {
      variables.add(
          ContainerParts.secret(
              new SecretVariable(SourceAccess.HUB_TOKEN, access.hubToken(), false)));
    }
    return variables;
  }
}
