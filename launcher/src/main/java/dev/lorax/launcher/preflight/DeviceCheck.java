package dev.lorax.launcher.preflight;

import dev.lorax.launcher.config.ShardConfig;
import dev.lorax.launcher.config.ShardConfig.Device;
import dev.lorax.launcher.failure.FailureCode;
import dev.lorax.launcher.machine.KernelFiles;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;

/** Whether there is a GPU for every shard that wants one. */
final class DeviceCheck {

  private static final String VISIBLE = "CUDA_VISIBLE_DEVICES";

  private final ShardConfig shards;
  private final Map<String, String> variables;
  private final KernelFiles kernel;

  DeviceCheck(ShardConfig shards, Map<String, String> variables, KernelFiles kernel) {
    this.shards = shards;
    this.variables = variables;
    this.kernel = kernel;
  }

  Optional<Problem> problem() {
    int present = kernel.nvidiaDevices();
    if (shards.device() == Device.CPU || (shards.device() == Device.AUTO && present == 0)) {
      return Optional.empty();
    }
    if (present == 0) {
      return problem(
          "--device cuda: found no NVIDIA device below /dev; install the driver, give the"
              + " container its GPUs (docker run --gpus all), or take --device cpu");
    }
    String visible = variables.get(VISIBLE);
    if (visible != null) {
      long named = Arrays.stream(visible.split(",")).filter(name -> !name.isBlank()).count();
      return tooFew(named, "%s=%s names".formatted(VISIBLE, visible));
    }
    return tooFew(present, "this machine has");
  }

  private Optional<Problem> tooFew(long devices, String who) {
    return shards.count() <= devices
        ? Optional.empty()
        : problem(
            "--num-shard: expected one device a shard, got %d shards where %s %d; lower it or take --device cpu"
                .formatted(shards.count(), who, devices));
  }

  private static Optional<Problem> problem(String sentence) {
    return Optional.of(new Problem(FailureCode.NO_DEVICE, sentence));
  }
}
