package dev.lorax.crds.v1alpha1;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Pattern;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;
import io.fabric8.generator.annotation.ValidationRule;
import org.jspecify.annotations.Nullable;

/** Origin of a base model: a union of which exactly one member is set. */
@JsonInclude(JsonInclude.Include.NON_NULL)
@ValidationRule(
    value = "[has(self.hub), has(self.pvc)].filter(x, x).size() == 1",
    messageExpression =
        "'set exactly one of hub and pvc to say where the base model comes from, got '"
            + " + (has(self.hub) && has(self.pvc) ? 'both' : 'none')")
public record ModelSource(
    @JsonPropertyDescription("A model of a model hub, downloaded when a replica starts.")
        @Nullable Hub hub,
    @JsonPropertyDescription("A model in a PersistentVolumeClaim of the same namespace.")
        @Nullable Claim pvc) {

  /** A model by its name on a model hub. */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Hub(
      @Required
          @Size(min = 1, max = 256)
          @Pattern("^[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)?$")
          @JsonPropertyDescription(
              "Name of the model, for example HuggingFaceTB/SmolLM2-135M-Instruct.")
          String id,
      @Size(min = 1, max = 256)
          @Pattern("^[A-Za-z0-9][A-Za-z0-9._/-]*$")
          @JsonPropertyDescription(
              "Branch, tag or commit of the model; the hub's default when absent.")
          @Nullable String revision) {}
}
