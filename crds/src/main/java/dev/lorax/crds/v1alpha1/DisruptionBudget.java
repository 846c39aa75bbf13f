package dev.lorax.crds.v1alpha1;

import static java.util.Objects.requireNonNullElse;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Default;
import io.fabric8.generator.annotation.Max;
import io.fabric8.generator.annotation.Min;

/** How many replicas may be evicted at a time, for example while nodes are drained. */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record DisruptionBudget(
    @Default("Managed")
        @JsonPropertyDescription(
            "Managed keeps a PodDisruptionBudget for the replicas. None keeps none, for those who"
                + " bring their own: the API server evicts no pod that two budgets select.")
        Mode mode,
    @Default("1")
        @Min(0)
        @Max(1000)
        @JsonPropertyDescription(
            "Replicas that may be missing because of evictions. With 0 no node that holds a replica"
                + " can be drained.")
        Integer maxUnavailable) {

  public DisruptionBudget {
    mode = requireNonNullElse(mode, Mode.MANAGED);
    maxUnavailable = requireNonNullElse(maxUnavailable, 1);
  }

  static DisruptionBudget defaults() {
    return new DisruptionBudget(Mode.MANAGED, 1);
  }

  /** Who keeps the budget. */
  public enum Mode {
    @JsonProperty("Managed")
    MANAGED,
    @JsonProperty("None")
    NONE
  }
}
