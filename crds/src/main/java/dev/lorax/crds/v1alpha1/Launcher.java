package dev.lorax.crds.v1alpha1;

import static java.util.Objects.requireNonNullElse;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Size;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The launcher of one replica. */
@JsonInclude(JsonInclude.Include.NON_EMPTY)
public record Launcher(
    @Size(min = 1, max = 512)
        @JsonPropertyDescription(
            "Container image of the launcher; the operator's default when unset.")
        @Nullable String image,
    @Size(max = 64)
        @JsonPropertyDescription(
            "Arguments of the launcher that have no field here, for example [--max-best-of, '4']."
                + " Those that have one, and those that follow from the shape of the pod, are"
                + " refused.")
        List<@Size(max = 1024) String> args,
    @JsonPropertyDescription("Compute resources of the launcher's container.")
        @Nullable ComputeResources resources) {

  public Launcher {
    args = List.copyOf(requireNonNullElse(args, List.of()));
  }

  static Launcher defaults() {
    return new Launcher(null, List.of(), null);
  }
}
