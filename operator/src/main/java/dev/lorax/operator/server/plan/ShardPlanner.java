package dev.lorax.operator.server.plan;

import dev.lorax.crds.v1alpha1.Shards;
import dev.lorax.crds.v1alpha1.Shards.Device;
import dev.lorax.crds.v1alpha1.Shards.Placement;
import dev.lorax.operator.server.plan.ServingPlan.ClaimedDevices;
import dev.lorax.operator.server.plan.ServingPlan.DevicesPlan;
import dev.lorax.operator.server.plan.ServingPlan.PeerAccess;
import dev.lorax.operator.server.plan.ServingPlan.ShardContainerPlan;
import java.util.List;
import java.util.Objects;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

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
    return shards.count() == 1 || shards.device() == Device.CPU || shards.deviceClaim() != null
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
      case CUDA -> shards.deviceClaim() == null ? withDevice(asked, shards) : asked;
    };
  }

  private static Resources withDevice(Resources asked, Shards shards) {
    String resource = shards.deviceResource();
    return resource == null ? asked.withGpu() : asked.withOne(resource);
  }

  /** Null where devices come from a device plugin, or there are none. */
  static @Nullable DevicesPlan devices(String server, Shards shards) {
    var claim = shards.deviceClaim();
    if (claim == null) {
      return null;
    }
    if (claim.template() != null) {
      return new DevicesPlan(claim.template().name(), null);
    }
    var deviceClass = Objects.requireNonNull(claim.deviceClass());
    return new DevicesPlan(
        server + "-devices",
        new ClaimedDevices(deviceClass.name(), shards.count(), deviceClass.selector()));
  }

  static PeerAccess peerAccess(Shards shards) {
    if (shards.count() == 1) {
      return new PeerAccess(true, "SingleShard", "one shard has no peers");
    }
    if (shards.device() == Device.CPU) {
      return new PeerAccess(true, "HostMemory", "shards exchange data in the node's memory");
    }
    if (shards.deviceClaim() != null) {
      return new PeerAccess(
          true,
          "SharedClaim",
          "all shards share one claim and see its %d devices".formatted(shards.count()));
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
                  + " set spec.shards.placement to SharedContainer, or claim devices by"
                  + " spec.shards.deviceClaim");
    };
  }
}
