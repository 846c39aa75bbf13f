package dev.lorax.crds.v1alpha1;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Pattern;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;
import io.fabric8.generator.annotation.ValidationRule;
import io.fabric8.kubernetes.api.model.Quantity;
import org.jspecify.annotations.Nullable;

/** Volume for downloaded and converted weights: a union of which exactly one member is set. */
@JsonInclude(JsonInclude.Include.NON_NULL)
@ValidationRule(
    value = "[has(self.emptyDir), has(self.pvc)].filter(x, x).size() == 1",
    messageExpression =
        "'set exactly one of emptyDir and pvc to say where weights are kept, got '"
            + " + (has(self.emptyDir) && has(self.pvc) ? 'both' : 'none')")
public record Cache(
    @JsonPropertyDescription("A volume on the node's disk that goes with the pod.")
        @Nullable EmptyDir emptyDir,
    @JsonPropertyDescription(
            "An existing claim that outlives the pods. With more than one replica it must be"
                + " mountable by all of them.")
        @Nullable WritableClaim pvc) {

  /** A volume as long-lived as its pod. */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record EmptyDir(
      @JsonPropertyDescription("Most that the volume may hold; a pod that goes over it is evicted.")
          @Nullable Quantity sizeLimit) {}

  /** A claim that the launcher writes to. */
  public record WritableClaim(
      @Required
          @Size(min = 1, max = 253)
          @Pattern(Names.DNS_SUBDOMAIN)
          @JsonPropertyDescription(
              "Name of the PersistentVolumeClaim, in the namespace of the LoraxServer.")
          String claimName) {}
}
