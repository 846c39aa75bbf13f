package dev.lorax.operator.server.plan;

import dev.lorax.crds.v1alpha1.PodTemplate;
import dev.lorax.crds.v1alpha1.PodTemplate.ImagePullSecret;
import dev.lorax.crds.v1alpha1.Toleration;
import dev.lorax.crds.v1alpha1.TopologySpread;
import dev.lorax.operator.server.plan.PodTemplatePlan.Scheduling;
import dev.lorax.operator.server.plan.PodTemplatePlan.Spread;
import dev.lorax.operator.server.plan.PodTemplatePlan.TolerationPlan;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Takes over what a user lays over the pods. */
final class PodTemplatePlanner {

  private PodTemplatePlanner() {}

  static PodTemplatePlan plan(PodTemplate template) {
    return new PodTemplatePlan(
        new TreeMap<>(template.labels()),
        new TreeMap<>(template.annotations()),
        scheduling(template),
        template.serviceAccountName(),
        template.imagePullSecrets().stream().map(ImagePullSecret::name).toList(),
        template.runtimeClassName());
  }

  private static Scheduling scheduling(PodTemplate template) {
    return new Scheduling(
        new TreeMap<>(template.nodeSelector()),
        template.tolerations().stream().map(PodTemplatePlanner::toleration).toList(),
        template.affinity(),
        template.topologySpreadConstraints().stream().map(PodTemplatePlanner::spread).toList(),
        template.priorityClassName(),
        template.schedulerName());
  }

  private static TolerationPlan toleration(Toleration asked) {
    return new TolerationPlan(
        asked.key(),
        spelled(asked.operator()),
        asked.value(),
        spelled(asked.effect()),
        asked.tolerationSeconds());
  }

  private static Spread spread(TopologySpread asked) {
    return new Spread(
        asked.topologyKey(),
        asked.maxSkew(),
        switch (asked.whenUnsatisfiable()) {
          case DO_NOT_SCHEDULE -> "DoNotSchedule";
          case SCHEDULE_ANYWAY -> "ScheduleAnyway";
        });
  }

  private static @Nullable String spelled(Toleration.@Nullable Operator operator) {
    return switch (operator) {
      case null -> null;
      case EQUAL -> "Equal";
      case EXISTS -> "Exists";
    };
  }

  private static @Nullable String spelled(Toleration.@Nullable Effect effect) {
    return switch (effect) {
      case null -> null;
      case NO_SCHEDULE -> "NoSchedule";
      case PREFER_NO_SCHEDULE -> "PreferNoSchedule";
      case NO_EXECUTE -> "NoExecute";
    };
  }
}
