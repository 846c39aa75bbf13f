package dev.lorax.operator.server.plan;

/**
 * One thing in a spec that its schema could not refuse. The code becomes the reason of the
 * condition {@code Ready}.
 */
public record PlanProblem(Code code, String message) {

  /** Stable codes, spelled as condition reasons. */
  public enum Code {
    SHARD_IMAGE_MISSING("ShardImageMissing"),
    LAUNCHER_ARGUMENT_RESERVED("LauncherArgumentReserved"),
    RESOURCES_INCONSISTENT("ResourcesInconsistent");

    private final String reason;

    Code(String reason) {
      this.reason = reason;
    }

    public String reason() {
      return reason;
    }
  }
}
