package dev.lorax.crds.v1alpha1;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Size;
import io.fabric8.kubernetes.api.model.Quantity;
import java.util.Collections;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Requests and limits of a container, by the name of the resource. */
@JsonInclude(JsonInclude.Include.NON_EMPTY)
public record ComputeResources(
    @Size(max = 16)
        @JsonPropertyDescription(
            "Least amounts that the node must have free, for example cpu: 500m.")
        Map<String, Quantity> requests,
    @Size(max = 16)
        @JsonPropertyDescription("Most that the container may use, for example memory: 8Gi.")
        Map<String, Quantity> limits) {

  public ComputeResources {
    requests = sorted(requests);
    limits = sorted(limits);
  }

  /** Sorted, so that the order in which a user writes resources never shows in what is rendered. */
  private static SortedMap<String, Quantity> sorted(@Nullable Map<String, Quantity> amounts) {
    return Collections.unmodifiableSortedMap(
        amounts == null ? new TreeMap<>() : new TreeMap<>(amounts));
  }
}
