package dev.lorax.operator.server.plan;

import dev.lorax.crds.v1alpha1.Shards;
import dev.lorax.crds.v1alpha1.Shards.Device;
import dev.lorax.crds.v1alpha1.Shards.Placement;
import dev.lorax.operator.server.plan.ServingPlan.PeerAccess;
import dev.lorax.operator.server.plan.ServingPlan.ShardContainerPlan;
import java.util.List;
import java.util.stream.IntStream;

/** How the shards of a replica are spread over containers. */
final class ShardPlanner {

  private ShardPlanner() {}

  /**
   * The placement asked for, else the one that keeps peers visible: a device plugin gives a GPU to
   * one container only, and shards that cannot see each other's GPUs lose their fast link.
   */
  static Placement placement(Shards shards) {
    if (shards.placement() != null) {
      return shards.placement();
    }
    return shards.count() == 1 || shards.device() == Device.CPU
        ? Placement.PER_CONTAINER
        : Placement.SHARED_CONTAINER;
  }

  static List<ShardContainerPlan> containers(Shards shards, String image) {
    Resources one = resourcesOfOne(shards);
    // The hook that makes GPUs visible in a container writes into its root file system.
    boolean writableRoot = shards.device() == Device.CUDA;
    return switch (placement(shards)) {
      case SHARED_CONTAINER ->
          List.of(
              new ShardContainerPlan("shards", 0, image, one.times(shards.count()), writableRoot));
      case PER_CONTAINER ->
          IntStream.range(0, shards.count())
              .mapToObj(i -> new ShardContainerPlan("shard-" + i, i, image, one, writableRoot))
              .toList();
    };
  }

  static Resources resourcesOfOne(Shards shards) {
    Resources asked = Resources.of(shards.resources());
    return switch (shards.device()) {
      case CPU -> asked;
      case CUDA -> asked.withGpu();
    };
  }

  static PeerAccess peerAccess(Shards shards) {
    if (shards.count() == 1) {
      return new PeerAccess(true, "SingleShard", "one shard has no peers");
    }
    if (shards.device() == Device.CPU) {
      return new PeerAccess(true, "HostMemory", "shards exchange data in the node's memory");
    }
    return switch (placement(shards)) {
      case SHARED_CONTAINER ->
          new PeerAccess(
              true, "SharedContainer", "one container holds all %d GPUs".formatted(shards.count()));
      case PER_CONTAINER ->
          new PeerAccess(
              false,
              "DevicesIsolated",
              "a container sees only its own GPU, so shards exchange data without a direct link;"
                  + " set spec.shards.placement to SharedContainer");
    };
  }
}
