package dev.lorax.crds.v1alpha1;

import static java.util.Objects.requireNonNullElse;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Default;
import io.fabric8.generator.annotation.Pattern;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;
import io.fabric8.generator.annotation.ValidationRule;
import io.fabric8.kubernetes.api.model.Quantity;
import org.jspecify.annotations.Nullable;

/** Volume for downloaded and converted weights: a union of which exactly one member is set. */
@JsonInclude(JsonInclude.Include.NON_NULL)
@ValidationRule(
    value = "[has(self.emptyDir), has(self.pvc), has(self.newPvc)].filter(x, x).size() == 1",
    messageExpression =
        "'set exactly one of emptyDir, pvc and newPvc to say where weights are kept, got '"
            + " + (has(self.emptyDir) || has(self.pvc) || has(self.newPvc) ? 'several' : 'none')")
public record Cache(
    @JsonPropertyDescription("A volume on the node's disk that goes with the pod.")
        @Nullable EmptyDir emptyDir,
    @JsonPropertyDescription(
            "An existing claim that outlives the pods. With more than one replica it must be"
                + " mountable by all of them (access mode ReadWriteMany), or they must share a"
                + " node.")
        @Nullable WritableClaim pvc,
    @JsonPropertyDescription("A claim that the operator makes from a storage class.")
        @Nullable NewClaim newPvc) {

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

  /** A claim to be made; how many, and how long they live, follows from the access mode. */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  @ValidationRule(
      value =
          "self.accessMode != 'ReadWriteMany' || oldSelf.accessMode != 'ReadWriteMany'"
              + " || has(self.storageClassName) == has(oldSelf.storageClassName)"
              + " && (!has(self.storageClassName)"
              + " || self.storageClassName == oldSelf.storageClassName)",
      message =
          "storageClassName of a shared claim cannot change, because the claim exists: make a claim"
              + " of the other class yourself and name it in spec.cache.pvc",
      fieldPath = ".storageClassName")
  @ValidationRule(
      value =
          "self.accessMode != 'ReadWriteMany' || oldSelf.accessMode != 'ReadWriteMany'"
              + " || quantity(string(self.storage))"
              + ".compareTo(quantity(string(oldSelf.storage))) >= 0",
      message =
          "storage of a shared claim can grow but not shrink, because the claim exists: give at"
              + " least as much as before",
      fieldPath = ".storage")
  @ValidationRule(
      value =
          "isQuantity(string(self.storage)) && quantity(string(self.storage)).isGreaterThan(quantity('0'))",
      message = "storage must be an amount of bytes above 0, for example 100Gi",
      fieldPath = ".storage")
  public record NewClaim(
      @Required
          @JsonPropertyDescription(
              "Room in the claim, for example 100Gi: the model, twice where it is converted, and the"
                  + " adapters.")
          Quantity storage,
      @Default("ReadWriteOnce")
          @JsonPropertyDescription(
              "ReadWriteMany makes one claim that all replicas share and that goes with the server,"
                  + " so that a model is downloaded once. ReadWriteOnce makes a claim for each"
                  + " replica that goes with its pod, because a volume of that kind cannot follow a"
                  + " pod that starts on another node while the last one still stops.")
          AccessMode accessMode,
      @Size(min = 1, max = 253)
          @Pattern(Names.DNS_SUBDOMAIN)
          @JsonPropertyDescription("StorageClass of the claim; the cluster's default when unset.")
          @Nullable String storageClassName) {

    public NewClaim {
      accessMode = requireNonNullElse(accessMode, AccessMode.READ_WRITE_ONCE);
    }
  }

  /** From how many nodes a volume can be written. */
  public enum AccessMode {
    @JsonProperty("ReadWriteOnce")
    READ_WRITE_ONCE,
    @JsonProperty("ReadWriteMany")
    READ_WRITE_MANY
  }
}
