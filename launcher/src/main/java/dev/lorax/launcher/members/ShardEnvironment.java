package dev.lorax.launcher.members;

import dev.lorax.launcher.config.LauncherConfig;
import dev.lorax.launcher.config.ShardConfig;
import java.io.File;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * Variables of a shard on top of those that it inherits, among them CUDA_VISIBLE_DEVICES: a shard
 * takes the device of its index from that list.
 *
 * <p>Upstream also asks for hf_transfer, a package that a shard may lack and then cannot download
 * anything; whoever has it sets HF_HUB_ENABLE_HF_TRANSFER for all.
 */
final class ShardEnvironment {

  /** Upstream's tuning of CUDA graphs that its shard reads from here alone. */
  private static final Map<String, String> UPSTREAM_TUNING =
      Map.of(
          "LORAX_COMPILE_MAX_RANK", "64",
          "LORAX_COMPILE_BATCH_SIZE", "32");

  private final LauncherConfig launcher;
  private final ShardConfig config;

  ShardEnvironment(LauncherConfig launcher) {
    this.launcher = launcher;
    this.config = launcher.shards();
  }

  Map<String, String> of(int index) {
    Map<String, String> environment = new HashMap<>(UPSTREAM_TUNING);
    addGroup(environment, index);
    addDevice(environment);
    addStores(environment);
    Integer speculating = config.speculation().maxBatchSize();
    if (speculating != null) {
      environment.put("LORAX_SPECULATION_MAX_BATCH_SIZE", speculating.toString());
    }
    var router = launcher.router();
    environment.put("PREFIX_CACHING", router.prefixCaching() ? "1" : "0");
    environment.put("CHUNKED_PREFILL", router.chunkedPrefill() ? "1" : "0");
    long stepTimeout = launcher.restarts().stepTimeout().toMillis();
    environment.put("LORAX_STEP_TIMEOUT_S", Double.toString(stepTimeout / 1000.0));
    // Otherwise a line shows up in the log only when a buffer of them is full.
    environment.put("PYTHONUNBUFFERED", "1");
    return environment;
  }

  private void addGroup(Map<String, String> environment, int index) {
    environment.put("RANK", Integer.toString(index));
    environment.put("WORLD_SIZE", Integer.toString(config.count()));
    environment.put("MASTER_ADDR", config.masterAddress());
    environment.put("MASTER_PORT", Integer.toString(config.masterPort()));
    environment.put("NCCL_ASYNC_ERROR_HANDLING", "1");
  }

  private void addDevice(Map<String, String> environment) {
    var memory = config.memory();
    environment.put("LORAX_DEVICE", config.device().toString());
    environment.put("CUDA_MEMORY_FRACTION", Double.toString(memory.device()));
    // Upstream sets 0 here when adapters are preloaded, and then refuses to load any other.
    environment.put("ADAPTER_MEMORY_FRACTION", Double.toString(memory.adapters()));
    environment.put("MEMORY_WIGGLE_ROOM", Double.toString(memory.wiggleRoom()));
    environment.put("SAFETENSORS_FAST_GPU", "1");
    String mostGraphRows = Integer.toString(config.kernels().mostGraphRows());
    environment.put("LORAX_COMPILE_MAX_BATCH_SIZE", mostGraphRows);
    if (config.kernels().noCustomKernels()) {
      environment.put("DISABLE_CUSTOM_KERNELS", "True");
    }
    if (config.kernels().noSgmv()) {
      environment.put("DISABLE_SGMV", "1");
    }
  }

  private void addStores(Map<String, String> environment) {
    var model = launcher.model();
    environment.put(
        "LORAX_ADAPTER_ROOTS",
        config.adapterRoots().stream()
            .map(Path::toString)
            .collect(Collectors.joining(File.pathSeparator)));
    // huggingface_hub lets the second name win, and an inherited one must not.
    environment.put("HUGGINGFACE_HUB_CACHE", model.cache().toString());
    environment.put("HF_HUB_CACHE", model.cache().toString());
    environment.put("HF_HUB_DISABLE_PROGRESS_BARS", "1");
    if (model.hub().token() != null) {
      environment.put("HUGGING_FACE_HUB_TOKEN", model.hub().token().value());
    }
  }
}
