package dev.lorax.launcher.config;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Options about shards and their devices, as typed. */
final class ShardArguments {

  @Option(
      names = "--sharded",
      arity = "1",
      paramLabel = "BOOL",
      description = {"Split the model over all visible devices.", "true if several are visible"})
  @Nullable Boolean sharded;

  @Option(
      names = "--num-shard",
      paramLabel = "N",
      description = {
        "Number of shards, one device each. Visible is what CUDA_VISIBLE_DEVICES lists, else"
            + " NVIDIA_VISIBLE_DEVICES.",
        "visible devices, else 1"
      })
  @Nullable Integer numShard;

  @Option(
      names = "--device",
      paramLabel = "DEVICE",
      description = "cpu, cuda, or auto, which takes a GPU where there is one.")
  ShardConfig.Device device = ShardConfig.Device.AUTO;

  @Option(
      names = "--dtype",
      paramLabel = "DTYPE",
      description = {"float32, bfloat16 or float16.", "what suits model and device"})
  ShardConfig.@Nullable Dtype dtype;

  @Option(
      names = "--cuda-memory-fraction",
      paramLabel = "SHARE",
      description = "Share of the GPU's memory that a shard may use.")
  double cudaMemoryFraction = 1.0;

  @Option(
      names = "--memory-wiggle-room",
      paramLabel = "SHARE",
      description = "Share of the free memory that becomes KV cache.")
  double memoryWiggleRoom = 0.9;

  @Option(
      names = "--compile",
      description = "Accepted as upstream does, where it changes nothing either.")
  boolean compile;

  @Option(names = "--eager", description = "No CUDA graphs; ours has none in any case.")
  boolean eager;

  @Option(
      names = "--disable-custom-kernels",
      description = "No kernels beside torch's own; ours has none in any case.")
  boolean disableCustomKernels;

  @Option(names = "--disable-sgmv", description = "No SGMV kernels; ours has none in any case.")
  boolean disableSgmv;

  @Option(
      names = "--master-addr",
      paramLabel = "HOST",
      description = "Where the shards of a group meet.")
  String masterAddress = "localhost";

  @Option(
      names = "--master-port",
      paramLabel = "PORT",
      description = "Where the shards of a group meet; unused with one shard.")
  int masterPort = 29500;

  ShardConfig toConfig(int count, AdapterArguments adapters, boolean trustRemoteCode) {
    return new ShardConfig(
        count,
        device,
        dtype,
        trustRemoteCode,
        adapters.source(),
        adapters.staticAdapter(),
        adapters.mergeAdapterWeights,
        adapters.preloaded(),
        adapters.adapterRoots.stream().map(Path::toAbsolutePath).toList(),
        new ShardConfig.MemoryShares(
            cudaMemoryFraction, adapters.adapterMemoryFraction, memoryWiggleRoom),
        new ShardConfig.Kernels(eager, disableCustomKernels, disableSgmv),
        masterAddress,
        masterPort);
  }

  void check(AdapterArguments adapters, Problems problems) {
    problems.share(false, "--cuda-memory-fraction", cudaMemoryFraction);
    problems.share(false, "--memory-wiggle-room", memoryWiggleRoom);
    problems.expect(
        adapters.adapterMemoryFraction < cudaMemoryFraction || cudaMemoryFraction <= 0,
        "--adapter-memory-fraction",
        "less than --cuda-memory-fraction %s".formatted(cudaMemoryFraction),
        adapters.adapterMemoryFraction);
    problems.expect(
        !(compile && eager), "--compile", "one of --compile and --eager", "both", "keep --eager");
    problems.port(1, "--master-port", masterPort);
    problems.expect(!masterAddress.isBlank(), "--master-addr", "a host", "nothing");
  }
}
