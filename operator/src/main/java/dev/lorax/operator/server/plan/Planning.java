package dev.lorax.operator.server.plan;

import java.util.List;

/** Outcome of planning: a plan, or the reasons why the spec cannot be served. */
public sealed interface Planning {

  /** The spec can be served so. */
  record Planned(ServingPlan plan) implements Planning {}

  /** The spec cannot be served; {@code problems} is never empty. */
  record Refused(List<PlanProblem> problems) implements Planning {

    public Refused {
      if (problems.isEmpty()) {
        throw new IllegalArgumentException("a refusal needs at least one problem");
      }
      problems = List.copyOf(problems);
    }
  }
}
