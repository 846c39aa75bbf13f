package dev.lorax.launcher.config;

import dev.lorax.options.Environment;
import dev.lorax.options.Problems;
import java.util.Arrays;
import java.util.List;
import java.util.Set;

/** Number of shards by upstream's rules over {@code --sharded}, {@code --num-shard} and devices. */
final class ShardCount {

  private static final int MOST = 1000;

  /** What NVIDIA's container runtime takes for no device at all. */
  private static final Set<String> NO_DEVICE = Set.of("void", "none");

  private ShardCount() {}

  static int resolve(ShardArguments shards, Environment environment, Problems problems) {
    boolean sharded = Boolean.TRUE.equals(shards.sharded);
    if (shards.numShard != null) {
      problems.expect(
          shards.numShard >= (sharded ? 2 : 1) && shards.numShard <= MOST,
          "--num-shard",
          "a number from %d to %d".formatted(sharded ? 2 : 1, MOST),
          shards.numShard,
          sharded ? "or leave out --sharded" : "leave it out for one shard");
      return Math.max(1, shards.numShard);
    }
    if (Boolean.FALSE.equals(shards.sharded)) {
      return 1;
    }
    int devices = visibleDevices(environment);
    problems.expect(
        !sharded || devices >= 2,
        "--sharded",
        "at least 2 devices in CUDA_VISIBLE_DEVICES or NVIDIA_VISIBLE_DEVICES",
        devices,
        "say with --num-shard how many");
    // A shard on the CPU has no device of its own, so their number says nothing.
    boolean counts = sharded || shards.device != ShardConfig.Device.CPU;
    return counts ? Math.max(1, devices) : 1;
  }

  /** As upstream counts them: {@code all} is one. */
  private static int visibleDevices(Environment environment) {
    String visible = environment.first("CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES");
    if (visible == null || NO_DEVICE.contains(visible)) {
      return 0;
    }
    List<String> devices = Arrays.asList(visible.split(","));
    return (int) devices.stream().filter(device -> !device.isBlank()).count();
  }
}
