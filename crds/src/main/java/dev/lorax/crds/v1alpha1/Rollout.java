package dev.lorax.crds.v1alpha1;

import static java.util.Objects.requireNonNullElse;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Default;
import io.fabric8.generator.annotation.Max;
import io.fabric8.generator.annotation.Min;
import io.fabric8.generator.annotation.ValidationRule;
import org.jspecify.annotations.Nullable;

/** How replicas are replaced when their pods must change. */
@JsonInclude(JsonInclude.Include.NON_NULL)
@ValidationRule(
    value =
        "!has(self.maxSurge) || !has(self.maxUnavailable)"
            + " || self.maxSurge + self.maxUnavailable > 0",
    message =
        "spec.rollout.maxSurge and spec.rollout.maxUnavailable must not both be 0, or no replica"
            + " could ever be replaced: raise one of them, or leave one out")
public record Rollout(
    @Min(0)
        @Max(1000)
        @JsonPropertyDescription(
            "Replicas that may exist beyond those asked for while replicas are replaced; each needs"
                + " free devices. Unset is 1 where the shards compute on cpu, or where"
                + " maxUnavailable is 0, else 0: a cluster whose GPUs are all taken must not wait"
                + " for a spare one.")
        @Nullable Integer maxSurge,
    @Min(0)
        @Max(1000)
        @JsonPropertyDescription(
            "Replicas that may be missing while replicas are replaced. Unset is 0 where maxSurge is"
                + " 1 or more, else 1.")
        @Nullable Integer maxUnavailable,
    @Default("false")
        @JsonPropertyDescription(
            "Leaves the pods that run as they are, whatever changes in their template, until it is"
                + " false again. The number of replicas still follows spec.replicas.")
        Boolean paused) {

  public Rollout {
    paused = requireNonNullElse(paused, false);
  }

  static Rollout defaults() {
    return new Rollout(null, null, false);
  }
}
