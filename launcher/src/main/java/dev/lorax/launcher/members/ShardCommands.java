package dev.lorax.launcher.members;

import dev.lorax.launcher.config.ShardConfig;
import dev.lorax.launcher.model.ModelDirectory;
import dev.lorax.launcher.process.MemberCommand;
import dev.lorax.launcher.process.MemberName;
import java.io.File;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** Command lines and environments of the shards, as upstream's launcher writes them. */
public final class ShardCommands {

  private final ShardConfig config;
  private final Path modelCache;

  public ShardCommands(ShardConfig config, Path modelCache) {
    this.config = config;
    this.modelCache = modelCache;
  }

  int count() {
    return config.count();
  }

  List<MemberCommand> forEpoch(long epoch, Path shardSockets, ModelDirectory model) {
    List<String> arguments = arguments(shardSockets, model);
    List<MemberCommand> commands = new ArrayList<>();
    for (int index = 0; index < config.count(); index++) {
      commands.add(
          new MemberCommand(MemberName.shard(index), epoch, arguments, environment(index)));
    }
    return commands;
  }

  private List<String> arguments(Path shardSockets, ModelDirectory model) {
    List<String> arguments = new ArrayList<>();
    arguments.addAll(List.of("lorax-server", "serve", model.path().toString()));
    arguments.addAll(List.of("--uds-path", shardSockets.toString()));
    arguments.addAll(List.of("--logger-level", "INFO", "--json-output"));
    // Upstream's shard takes a directory under source hub, and refuses to know a source local.
    arguments.addAll(List.of("--source", "hub"));
    arguments.addAll(List.of("--adapter-source", config.adapterSource().toString()));
    if (config.staticAdapter() != null) {
      arguments.addAll(List.of("--adapter-id", config.staticAdapter().toString()));
    }
    if (config.trustRemoteCode()) {
      arguments.add("--trust-remote-code");
    }
    if (config.count() > 1) {
      arguments.add("--sharded");
    }
    if (config.dtype() != null) {
      arguments.addAll(List.of("--dtype", config.dtype().toString()));
    }
    for (var adapter : config.preloadedAdapters()) {
      arguments.addAll(List.of("--preloaded-adapter-ids", adapter.toString()));
    }
    if (!config.preloadedAdapters().isEmpty()) {
      arguments.addAll(
          List.of(
              "--preloaded-adapter-source",
              config.preloadedAdapters().getFirst().source().toString()));
    }
    return arguments;
  }

  private Map<String, String> environment(int index) {
    Map<String, String> environment = new HashMap<>();
    environment.put("RANK", Integer.toString(index));
    environment.put("WORLD_SIZE", Integer.toString(config.count()));
    environment.put("MASTER_ADDR", config.masterAddress());
    environment.put("MASTER_PORT", Integer.toString(config.masterPort()));
    environment.put("LORAX_DEVICE", config.device().toString());
    environment.put(
        "LORAX_ADAPTER_ROOTS",
        config.adapterRoots().stream()
            .map(Path::toString)
            .collect(Collectors.joining(File.pathSeparator)));
    // Upstream sets 0 here when adapters are preloaded, and then refuses to load any other.
    environment.put("ADAPTER_MEMORY_FRACTION", Double.toString(config.adapterMemoryFraction()));
    environment.put("HUGGINGFACE_HUB_CACHE", modelCache.toString());
    // huggingface_hub's newer name for it, which would win if it came from our own environment.
    environment.put("HF_HUB_CACHE", modelCache.toString());
    environment.put("NCCL_ASYNC_ERROR_HANDLING", "1");
    environment.put("SAFETENSORS_FAST_GPU", "1");
    environment.put("HF_HUB_DISABLE_PROGRESS_BARS", "1");
    // Otherwise a line shows up in the log only when a buffer of them is full.
    environment.put("PYTHONUNBUFFERED", "1");
    return environment;
  }
}
