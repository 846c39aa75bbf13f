package dev.lorax.operator.server.manifest;

import dev.lorax.operator.server.plan.PodLayout;
import dev.lorax.operator.server.plan.ServingPlan;
import dev.lorax.operator.server.plan.ServingPlan.ShardContainerPlan;
import dev.lorax.operator.server.plan.SourceAccess;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.ContainerBuilder;
import io.fabric8.kubernetes.api.model.EnvVar;
import io.fabric8.kubernetes.api.model.ResourceRequirementsBuilder;
import java.util.ArrayList;
import java.util.List;

/** A sidecar whose agent starts one shard, or all of them. */
final class ShardContainer {

  private ShardContainer() {}

  /**
   * The startup probe waits for the agent, never for the model: kubelet starts sidecars one after
   * the other, and the first shard cannot load before the last one has started.
   */
  static Container of(ShardContainerPlan shards, ServingPlan plan, PodVolumes volumes) {
    String member = "shard-" + shards.index();
    return new ContainerBuilder()
        .withName(shards.name())
        .withImage(shards.image())
        .withRestartPolicy("Always")
        .withCommand(PodLayout.AGENT_PROGRAM)
        .withArgs(
            "--role",
            "shard",
            "--index",
            String.valueOf(shards.index()),
            "--control",
            PodLayout.CONTROL_SOCKET)
        .withEnv(environment(plan.access()))
        .withStartupProbe(ContainerParts.attached(member))
        .withReadinessProbe(ContainerParts.ready(member))
        .withResources(
            new ResourceRequirementsBuilder(ContainerParts.resources(shards.resources()))
                .withClaims(DeviceClaimManifest.ofContainer(plan))
                .build())
        .withSecurityContext(ContainerParts.restricted(shards.writableRoot()))
        .withTerminationMessagePolicy(ContainerParts.TERMINATION_MESSAGE_POLICY)
        .withVolumeMounts(volumes.ofShards(shards.name()))
        .build();
  }

  private static List<EnvVar> environment(SourceAccess access) {
    var variables = new ArrayList<EnvVar>();
    // Python libraries keep small caches in the home directory; the user of the image has none.
    variables.add(new EnvVar("HOME", "/tmp", null));
    variables.addAll(ContainerParts.sources(access));
    if (access.hubToken() != null) {
      String file = PodLayout.HUB_SECRETS + "/" + PodLayout.HUB_TOKEN;
      variables.add(new EnvVar(SourceAccess.HUB_TOKEN_FILE, file, null));
    }
    return variables;
  }
}
