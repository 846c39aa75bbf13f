package dev.lorax.crds.v1alpha1;

import static java.util.Objects.requireNonNullElse;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Default;
import io.fabric8.generator.annotation.Max;
import io.fabric8.generator.annotation.Min;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;

/** How evenly replicas are spread over groups of nodes. */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record TopologySpread(
    @Required
        @Size(min = 1, max = 316)
        @JsonPropertyDescription(
            "Label by which nodes are grouped, for example topology.kubernetes.io/zone or"
                + " kubernetes.io/hostname.")
        String topologyKey,
    @Default("1")
        @Min(1)
        @Max(1000)
        @JsonPropertyDescription(
            "How many more replicas one group may hold than the group with the fewest.")
        Integer maxSkew,
    @Default("ScheduleAnyway")
        @JsonPropertyDescription(
            "ScheduleAnyway prefers an even spread, DoNotSchedule leaves a replica pending rather"
                + " than break it.")
        WhenUnsatisfiable whenUnsatisfiable) {

  public TopologySpread {
    maxSkew = requireNonNullElse(maxSkew, 1);
    whenUnsatisfiable = requireNonNullElse(whenUnsatisfiable, WhenUnsatisfiable.SCHEDULE_ANYWAY);
  }

  /** What happens to a replica that would make the spread uneven. */
  public enum WhenUnsatisfiable {
    @JsonProperty("DoNotSchedule")
    DO_NOT_SCHEDULE,
    @JsonProperty("ScheduleAnyway")
    SCHEDULE_ANYWAY
  }
}
