package dev.lorax.crds.v1alpha1;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Size;
import io.fabric8.generator.annotation.ValidationRule;
import org.jspecify.annotations.Nullable;

/** A taint that does not keep a pod away from a node, as in the spec of a pod. */
@JsonInclude(JsonInclude.Include.NON_NULL)
@ValidationRule(
    value = "has(self.key) || (has(self.operator) && self.operator == 'Exists')",
    message =
        "a toleration without a key tolerates every taint: name the key, or say so with operator:"
            + " Exists",
    fieldPath = ".key")
@ValidationRule(
    value = "!has(self.value) || !has(self.operator) || self.operator == 'Equal'",
    message = "operator Exists asks for no value: remove the value, or use operator: Equal",
    fieldPath = ".value")
public record Toleration(
    @Size(min = 1, max = 316)
        @JsonPropertyDescription(
            "Key of the taint, for example nvidia.com/gpu. Absent, with operator Exists, for every"
                + " taint.")
        @Nullable String key,
    @JsonPropertyDescription("Equal compares key and value, Exists the key only; Equal when unset.")
        @Nullable Operator operator,
    @Size(max = 63) @JsonPropertyDescription("Value of the taint, with operator Equal.")
        @Nullable String value,
    @JsonPropertyDescription("Effect of the taint; every effect when unset.")
        @Nullable Effect effect,
    @JsonPropertyDescription(
            "Seconds that a pod stays on a node which gets a NoExecute taint; for ever when unset.")
        @Nullable Long tolerationSeconds) {

  /** How a taint is compared. */
  public enum Operator {
    @JsonProperty("Equal")
    EQUAL,
    @JsonProperty("Exists")
    EXISTS
  }

  /** What a taint does. */
  public enum Effect {
    @JsonProperty("NoSchedule")
    NO_SCHEDULE,
    @JsonProperty("PreferNoSchedule")
    PREFER_NO_SCHEDULE,
    @JsonProperty("NoExecute")
    NO_EXECUTE
  }
}
