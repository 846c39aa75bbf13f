package dev.lorax.launcher.config;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Options about shards and adapters, as typed. */
final class ShardArguments {

  @Option(
      names = "--sharded",
      arity = "1",
      paramLabel = "BOOL",
      description = "Split the model over all visible devices.")
  @Nullable Boolean sharded;

  @Option(names = "--num-shard", paramLabel = "N", description = "Number of shards.")
  @Nullable Integer numShard;

  @Option(
      names = "--device",
      paramLabel = "DEVICE",
      defaultValue = "auto",
      description = "cpu, cuda or auto. Default: auto.")
  ShardConfig.Device device = ShardConfig.Device.AUTO;

  @Option(
      names = "--dtype",
      paramLabel = "DTYPE",
      description = "float32, bfloat16 or float16. Default: what suits the device.")
  ShardConfig.@Nullable Dtype dtype;

  @Option(
      names = "--adapter-id",
      paramLabel = "ID",
      description = "Answers the requests that name no adapter; loaded before the first one.")
  @Nullable String adapterId;

  @Option(
      names = "--adapter-source",
      paramLabel = "SOURCE",
      description =
          "Of --adapter-id: hub, s3 or local. Default: local with --adapter-root, else hub.")
  @Nullable Source adapterSource;

  @Option(
      names = "--default-adapter-source",
      paramLabel = "SOURCE",
      description = "Of adapters whose request names none. Default: --adapter-source.")
  @Nullable Source defaultAdapterSource;

  @Option(
      names = "--preloaded-adapter-ids",
      split = ",",
      paramLabel = "ID",
      description = "Loaded before the first request. Repeatable.")
  List<String> preloadedAdapterIds = new ArrayList<>();

  @Option(
      names = "--preloaded-adapter-source",
      paramLabel = "SOURCE",
      description = "Default: --adapter-source.")
  @Nullable Source preloadedAdapterSource;

  @Option(
      names = "--adapter-root",
      split = ":",
      paramLabel = "DIR",
      description = "Local adapter ids are paths below it. Repeatable.")
  List<Path> adapterRoots = new ArrayList<>();

  @Option(
      names = "--adapter-memory-fraction",
      paramLabel = "F",
      defaultValue = "0.1",
      description = "Share of device memory for adapters. Default: ${DEFAULT-VALUE}.")
  double adapterMemoryFraction;

  @Option(
      names = "--master-addr",
      paramLabel = "HOST",
      defaultValue = "localhost",
      description = "Where shards meet. Default: ${DEFAULT-VALUE}.")
  String masterAddress = "localhost";

  @Option(
      names = "--master-port",
      paramLabel = "PORT",
      defaultValue = "29500",
      description = "Default: ${DEFAULT-VALUE}.")
  int masterPort;
}
