package dev.lorax.launcher.preflight;

import dev.lorax.launcher.config.ShardConfig;
import dev.lorax.launcher.config.ShardConfig.Device;
import dev.lorax.launcher.failure.FailureCode;
import dev.lorax.launcher.machine.KernelFiles;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * Whether the shards of a group can talk through shared memory. NCCL needs it between GPUs, and
 * ends with a bus error in the middle of loading where it is too small; the CPU's gloo does not.
 */
final class SharedMemoryCheck {

  private static final long BYTES_PER_SHARD = 64L << 20;

  private static final String ADVICE =
      "mount a volume of medium Memory there, give docker run --shm-size 1g, or set"
          + " NCCL_SHM_DISABLE=1, which is slower";

  private final ShardConfig shards;
  private final Map<String, String> variables;
  private final KernelFiles kernel;

  SharedMemoryCheck(ShardConfig shards, Map<String, String> variables, KernelFiles kernel) {
    this.shards = shards;
    this.variables = variables;
    this.kernel = kernel;
  }

  Optional<Problem> problem() {
    boolean gpus = shards.device() != Device.CPU && kernel.nvidiaDevices() > 0;
    if (!gpus || shards.count() < 2 || "1".equals(variables.get("NCCL_SHM_DISABLE"))) {
      return Optional.empty();
    }
    long needed = shards.count() * BYTES_PER_SHARD;
    OptionalLong size = kernel.sharedMemory();
    if (size.isEmpty()) {
      return problem(
          "/dev/shm: expected shared memory for %d shards, got none; %s"
              .formatted(shards.count(), ADVICE));
    }
    return size.getAsLong() >= needed
        ? Optional.empty()
        : problem(
            "/dev/shm: expected at least %d MiB for %d shards, got %d MiB; %s"
                .formatted(needed >> 20, shards.count(), size.getAsLong() >> 20, ADVICE));
  }

  private static Optional<Problem> problem(String sentence) {
    return Optional.of(new Problem(FailureCode.NO_SHARED_MEMORY, sentence));
  }
}
