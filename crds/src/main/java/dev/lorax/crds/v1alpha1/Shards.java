package dev.lorax.crds.v1alpha1;

import static java.util.Objects.requireNonNullElse;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Default;
import io.fabric8.generator.annotation.Max;
import io.fabric8.generator.annotation.Min;
import io.fabric8.generator.annotation.Pattern;
import io.fabric8.generator.annotation.Size;
import io.fabric8.generator.annotation.ValidationRule;
import org.jspecify.annotations.Nullable;

/** The shards of one replica. */
@JsonInclude(JsonInclude.Include.NON_NULL)
@ValidationRule(
    value = "self.device != 'cpu' || !has(self.deviceResource) && !has(self.deviceClaim)",
    message =
        "spec.shards.device is cpu, which takes no devices: remove spec.shards.deviceResource and"
            + " deviceClaim, or set device to cuda",
    fieldPath = ".device")
@ValidationRule(
    value = "!has(self.deviceResource) || !has(self.deviceClaim)",
    message =
        "spec.shards.deviceResource and deviceClaim both say where devices come from: remove one",
    fieldPath = ".deviceResource")
@ValidationRule(
    value =
        "!has(self.deviceResource) || !self.deviceResource.contains('/mig-') || self.count == 1",
    message =
        "parts of a GPU cannot exchange data among each other: set spec.shards.count to 1, or"
            + " spec.shards.deviceResource to whole GPUs",
    fieldPath = ".deviceResource")
@ValidationRule(
    value =
        "!has(oldSelf.deviceClaim) || !has(oldSelf.deviceClaim.deviceClass)"
            + " || !has(self.deviceClaim) || !has(self.deviceClaim.deviceClass)"
            + " || self.count == oldSelf.count"
            + " && self.deviceClaim.deviceClass == oldSelf.deviceClaim.deviceClass",
    message =
        "spec.shards.count and deviceClaim.deviceClass cannot change: claims are made from a"
            + " template that Kubernetes lets nobody change. Make a second LoraxServer, or name a"
            + " template of your own in deviceClaim.template")
public record Shards(
    @Default("1")
        @Min(1)
        @Max(8)
        @JsonPropertyDescription(
            "Number of shards, that is of devices, which one replica spreads the model over (tensor"
                + " parallelism).")
        Integer count,
    @Default("cuda")
        @JsonPropertyDescription(
            "What the shards compute on: cuda takes one NVIDIA GPU for each shard, cpu takes none.")
        Device device,
    @JsonPropertyDescription(
            "PerContainer runs each shard in a container of its own, SharedContainer all shards in"
                + " one container that holds all devices. Unset lets the operator choose:"
                + " PerContainer for a single shard or cpu, else SharedContainer, because a"
                + " container sees only its own GPUs and shards that cannot see each other's GPUs"
                + " lose their fast link.")
        @Nullable Placement placement,
    @Size(min = 1, max = 512)
        @JsonPropertyDescription(
            "Container image of the shards; the operator's default for the device when unset.")
        @Nullable String image,
    @JsonPropertyDescription(
            "Compute resources of one shard. A container that runs several shards gets their sum."
                + " The operator adds the device unless an NVIDIA resource is named here.")
        @Nullable ComputeResources resources,
    @Size(min = 3, max = 253)
        @Pattern(Names.EXTENDED_RESOURCE)
        @JsonPropertyDescription(
            "The resource of which each shard gets one as its device, as a device plugin names it:"
                + " nvidia.com/gpu unless it is set, nvidia.com/mig-3g.40gb for a part of one.")
        @Nullable String deviceResource,
    @JsonPropertyDescription(
            "Devices by dynamic resource allocation (resource.k8s.io/v1, Kubernetes 1.34) in the"
                + " place of a device plugin's. All shards of a replica share one claim and see all"
                + " its devices.")
        @Nullable DeviceClaim deviceClaim) {

  public Shards {
    count = requireNonNullElse(count, 1);
    device = requireNonNullElse(device, Device.CUDA);
  }

  static Shards defaults() {
    return new Shards(1, Device.CUDA, null, null, null, null, null);
  }

  /** What a shard computes on. */
  public enum Device {
    @JsonProperty("cpu")
    CPU,
    @JsonProperty("cuda")
    CUDA
  }

  /** How shards are spread over containers. */
  public enum Placement {
    @JsonProperty("PerContainer")
    PER_CONTAINER,
    @JsonProperty("SharedContainer")
    SHARED_CONTAINER
  }
}
