package dev.lorax.operator.server.manifest;

import dev.lorax.operator.server.plan.PodTemplatePlan.Spread;
import dev.lorax.operator.server.plan.PodTemplatePlan.TolerationPlan;
import dev.lorax.operator.server.plan.ServingPlan;
import io.fabric8.kubernetes.api.model.PodSpecBuilder;
import io.fabric8.kubernetes.api.model.Toleration;
import io.fabric8.kubernetes.api.model.TolerationBuilder;
import io.fabric8.kubernetes.api.model.TopologySpreadConstraint;
import io.fabric8.kubernetes.api.model.TopologySpreadConstraintBuilder;

/** Which nodes take the pods of a server. */
final class PodScheduling {

  /** Kubernetes' own label of a Deployment's revision. */
  private static final String REVISION = "pod-template-hash";

  private PodScheduling() {}

  static PodSpecBuilder apply(ServingPlan plan) {
    var scheduling = plan.podTemplate().scheduling();
    return new PodSpecBuilder()
        .withNodeSelector(scheduling.nodeSelector())
        .withTolerations(scheduling.tolerations().stream().map(PodScheduling::toleration).toList())
        .withAffinity(scheduling.affinity())
        .withTopologySpreadConstraints(
            scheduling.spreads().stream().map(spread -> constraint(plan, spread)).toList())
        .withPriorityClassName(scheduling.priorityClass())
        .withSchedulerName(scheduling.scheduler());
  }

  private static Toleration toleration(TolerationPlan plan) {
    return new TolerationBuilder()
        .withKey(plan.key())
        .withOperator(plan.operator())
        .withValue(plan.value())
        .withEffect(plan.effect())
        .withTolerationSeconds(plan.seconds())
        .build();
  }

  /** Counts pods of one revision: those that a rollout replaces would tip the balance. */
  private static TopologySpreadConstraint constraint(ServingPlan plan, Spread spread) {
    return new TopologySpreadConstraintBuilder()
        .withTopologyKey(spread.topologyKey())
        .withMaxSkew(spread.maxSkew())
        .withWhenUnsatisfiable(spread.whenUnsatisfiable())
        .withNewLabelSelector()
        .withMatchLabels(Labels.selector(plan.server().name()))
        .endLabelSelector()
        .withMatchLabelKeys(REVISION)
        .build();
  }
}
