package dev.lorax.launcher.members;

import dev.lorax.launcher.config.LauncherConfig;
import dev.lorax.launcher.config.ShardConfig;
import dev.lorax.launcher.model.ModelDirectory;
import dev.lorax.launcher.process.MemberCommand;
import dev.lorax.launcher.process.MemberName;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Command lines and environments of the shards, as upstream's launcher writes them. */
public final class ShardCommands {

  private final ShardConfig config;
  private final @Nullable String otlpEndpoint;
  private final ShardEnvironment environment;

  public ShardCommands(LauncherConfig config) {
    this.config = config.shards();
    this.otlpEndpoint = config.router().otlpEndpoint();
    this.environment = new ShardEnvironment(config);
  }

  int count() {
    return config.count();
  }

  List<MemberCommand> forEpoch(long epoch, Path shardSockets, ModelDirectory model) {
    List<String> arguments = arguments(shardSockets, model);
    List<MemberCommand> commands = new ArrayList<>();
    for (int index = 0; index < config.count(); index++) {
      commands.add(
          new MemberCommand(MemberName.shard(index), epoch, arguments, environment.of(index)));
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
    addAdapters(arguments);
    if (config.trustRemoteCode()) {
      arguments.add("--trust-remote-code");
    }
    if (config.count() > 1) {
      arguments.add("--sharded");
    }
    // Upstream asks for CUDA graphs unless told not to, whatever --compile says.
    if (!config.kernels().eager()) {
      arguments.add("--compile");
    }
    if (config.dtype() != null) {
      arguments.addAll(List.of("--dtype", config.dtype().toString()));
    }
    if (config.quantisation() != null) {
      arguments.addAll(List.of("--quantize", config.quantisation().toString()));
    }
    if (otlpEndpoint != null) {
      arguments.addAll(List.of("--otlp-endpoint", otlpEndpoint));
    }
    if (config.speculation().tokens() > 0) {
      String tokens = Integer.toString(config.speculation().tokens());
      arguments.addAll(List.of("--speculative-tokens", tokens));
    }
    return arguments;
  }

  private void addAdapters(List<String> arguments) {
    arguments.addAll(List.of("--adapter-source", config.adapterSource().toString()));
    if (config.staticAdapter() != null) {
      arguments.addAll(List.of("--adapter-id", config.staticAdapter().toString()));
    }
    for (var adapter : config.preloadedAdapters()) {
      arguments.addAll(List.of("--preloaded-adapter-ids", adapter.toString()));
    }
    if (config.mergesStaticAdapter()) {
      arguments.add("--merge-adapter-weights");
    }
    if (!config.preloadedAdapters().isEmpty()) {
      String source = config.preloadedAdapters().getFirst().source().toString();
      arguments.addAll(List.of("--preloaded-adapter-source", source));
    }
  }
}
