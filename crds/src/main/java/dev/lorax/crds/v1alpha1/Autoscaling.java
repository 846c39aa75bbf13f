package dev.lorax.crds.v1alpha1;

import static java.util.Objects.requireNonNullElse;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Default;
import io.fabric8.generator.annotation.Max;
import io.fabric8.generator.annotation.Min;
import io.fabric8.generator.annotation.Pattern;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;
import io.fabric8.generator.annotation.ValidationRule;
import org.jspecify.annotations.Nullable;

/** Between which numbers of replicas a server moves by itself, and what moves it. */
@JsonInclude(JsonInclude.Include.NON_NULL)
@ValidationRule(
    value = "self.minReplicas <= self.maxReplicas",
    message = "spec.autoscaling.minReplicas must be at most spec.autoscaling.maxReplicas",
    fieldPath = ".minReplicas")
@ValidationRule(
    value =
        "duration(self.scaleUpDelay) <= duration('1h')"
            + " && duration(self.scaleDownDelay) <= duration('1h')",
    message =
        "spec.autoscaling.scaleUpDelay and scaleDownDelay must be at most 1h, as the"
            + " HorizontalPodAutoscaler takes no more")
public record Autoscaling(
    @Default("1") @Min(1) @Max(1000) @JsonPropertyDescription("Fewest replicas.")
        Integer minReplicas,
    @Required @Min(1) @Max(1000) @JsonPropertyDescription("Most replicas.") Integer maxReplicas,
    @Min(1)
        @Max(10_000)
        @JsonPropertyDescription(
            "Requests of each replica, on average, that may wait for room in its batch; with more"
                + " there are more replicas. Unset is 4 where targetCachePercent is unset too, else"
                + " waiting requests do not count.")
        @Nullable Integer targetQueueLength,
    @Min(1)
        @Max(100)
        @JsonPropertyDescription(
            "Share of each replica's key-value cache, on average, that requests may hold; with more"
                + " there are more replicas. Unset is 80 where targetQueueLength is unset too, else"
                + " the cache does not count.")
        @Nullable Integer targetCachePercent,
    @Default("0s")
        @Size(min = 2, max = 16)
        @Pattern(Names.DURATION)
        @JsonPropertyDescription(
            "How long the load must have been too high before there are more replicas.")
        String scaleUpDelay,
    @Default("5m")
        @Size(min = 2, max = 16)
        @Pattern(Names.DURATION)
        @JsonPropertyDescription(
            "How long the load must have been low enough before there are fewer replicas. A new"
                + " replica has to load the model, so make it several times as long as that.")
        String scaleDownDelay) {

  public Autoscaling {
    minReplicas = requireNonNullElse(minReplicas, 1);
    scaleUpDelay = requireNonNullElse(scaleUpDelay, "0s");
    scaleDownDelay = requireNonNullElse(scaleDownDelay, "5m");
  }
}
