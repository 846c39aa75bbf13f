package dev.lorax.launcher.config;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** Number of shards by upstream's rules over {@code --sharded}, {@code --num-shard} and devices. */
final class ShardCount {

  private ShardCount() {}

  static int resolve(
      @Nullable Boolean sharded,
      @Nullable Integer numShard,
      Environment environment,
      List<String> problems) {
    if (numShard != null) {
      int least = Boolean.TRUE.equals(sharded) ? 2 : 1;
      if (numShard < least) {
        problems.add("--num-shard must be at least %d, got %d".formatted(least, numShard));
      }
      return numShard;
    }
    if (Boolean.FALSE.equals(sharded)) {
      return 1;
    }
    int devices = visibleDevices(environment);
    if (Boolean.TRUE.equals(sharded) && devices < 2) {
      problems.add(
          "--sharded true needs at least 2 devices in CUDA_VISIBLE_DEVICES or"
              + " NVIDIA_VISIBLE_DEVICES, found %d; give --num-shard to say how many"
                  .formatted(devices));
    }
    return Math.max(1, devices);
  }

  private static int visibleDevices(Environment environment) {
    for (var name : List.of("CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES")) {
      String value = environment.get(name);
      if (value != null && !value.isBlank()) {
        return value.equals("all") || value.equals("void") || value.equals("none")
            ? 1
            : value.split(",", -1).length;
      }
    }
    return 0;
  }
}
