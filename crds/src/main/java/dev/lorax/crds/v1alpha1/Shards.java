package dev.lorax.crds.v1alpha1;

import static java.util.Objects.requireNonNullElse;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Default;
import io.fabric8.generator.annotation.Max;
import io.fabric8.generator.annotation.Min;
import io.fabric8.generator.annotation.Size;
import org.jspecify.annotations.Nullable;

/** The shards of one replica. */
@JsonInclude(JsonInclude.Include.NON_NULL)
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
                + " The operator adds the GPU unless a GPU resource is named here.")
        @Nullable ComputeResources resources) {

  public Shards {
    count = requireNonNullElse(count, 1);
    device = requireNonNullElse(device, Device.CUDA);
  }

  static Shards defaults() {
    return new Shards(1, Device.CUDA, null, null, null);
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
