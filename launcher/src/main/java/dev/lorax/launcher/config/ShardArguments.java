package dev.lorax.launcher.config;

import dev.lorax.options.Kind;
import dev.lorax.options.Option;
import dev.lorax.options.Problems;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Options about shards and their devices, as typed. */
final class ShardArguments {

  /** As the shard has it: more of a draft is hardly ever right. */
  private static final int MOST_SPECULATIVE_TOKENS = 16;

  @Nullable Boolean sharded;
  @Nullable Integer numShard;
  ShardConfig.Device device = ShardConfig.Device.AUTO;
  ShardConfig.@Nullable Dtype dtype;
  ShardConfig.@Nullable Quantisation quantize;
  int speculativeTokens;
  @Nullable Integer speculationMaxBatchSize;
  double cudaMemoryFraction = 1.0;
  double memoryWiggleRoom = 0.9;
  boolean compile;
  boolean eager;
  int compileMaxBatchSize = 128;
  boolean disableCustomKernels;
  boolean disableSgmv;
  String masterAddress = "localhost";
  int masterPort = 29500;

  List<Option<?>> options() {
    return List.of(
        Option.of("--sharded", Kind.TRUTH, value -> sharded = value)
            .usually("true if several are visible")
            .says("BOOL", "Split the model over all visible devices."),
        Option.of("--num-shard", Kind.WHOLE_NUMBER, value -> numShard = value)
            .usually("visible devices, else 1")
            .says(
                "N",
                "Number of shards, one device each. Visible is what CUDA_VISIBLE_DEVICES lists, else NVIDIA_VISIBLE_DEVICES."),
        Option.of("--device", Kind.oneOf(ShardConfig.Device.values()), value -> device = value)
            .alsoIn("LORAX_DEVICE")
            .initially(device)
            .says("DEVICE", "cpu, cuda, or auto, which takes a GPU where there is one."),
        Option.of("--dtype", Kind.oneOf(ShardConfig.Dtype.values()), value -> dtype = value)
            .usually("what suits model and device")
            .says("DTYPE", "float32, bfloat16 or float16."),
        Option.of(
                "--quantize",
                Kind.oneOf(ShardConfig.Quantisation.values()),
                value -> quantize = value)
            .usually("none")
            .says(
                "KIND",
                "int8 or int4: weights of linear layers in 8 or 5 bits each, quantised as they load. awq or gptq expects a model that is quantised so, which needs no option."),
        Option.of("--speculative-tokens", Kind.WHOLE_NUMBER, value -> speculativeTokens = value)
            .initially(speculativeTokens)
            .says(
                "K",
                "Tokens that are proposed for each sequence and step, from where its last ones have come before. 0 is none."),
        Option.of(
                "--speculation-max-batch-size",
                Kind.WHOLE_NUMBER,
                value -> speculationMaxBatchSize = value)
            .usually("16 on CPUs, 32 on GPUs")
            .says("N", "Sequences of a step for which tokens are proposed, at most."),
        Option.of("--cuda-memory-fraction", Kind.NUMBER, value -> cudaMemoryFraction = value)
            .initially(cudaMemoryFraction)
            .says("SHARE", "Share of the GPU's memory that a shard may use."),
        Option.of("--memory-wiggle-room", Kind.NUMBER, value -> memoryWiggleRoom = value)
            .initially(memoryWiggleRoom)
            .says("SHARE", "Share of the free memory that becomes KV cache."),
        Option.of("--compile", Kind.SWITCH, value -> compile = value)
            .says("Accepted as upstream does, where it changes nothing either."),
        Option.of("--eager", Kind.SWITCH, value -> eager = value)
            .says("No CUDA graphs: on a GPU each step launches its kernels one by one."),
        Option.of(
                "--compile-max-batch-size", Kind.WHOLE_NUMBER, value -> compileMaxBatchSize = value)
            .initially(compileMaxBatchSize)
            .says("N", "Rows of a decode step that is replayed as a CUDA graph, at most."),
        Option.of("--disable-custom-kernels", Kind.SWITCH, value -> disableCustomKernels = value)
            .says("No kernels beside torch's own in upstream's shard; ours keeps its own."),
        Option.of("--disable-sgmv", Kind.SWITCH, value -> disableSgmv = value)
            .says("No SGMV kernels in upstream's shard; ours has none."),
        Option.of("--master-addr", Kind.TEXT, value -> masterAddress = value)
            .initially(masterAddress)
            .says("HOST", "Where the shards of a group meet."),
        Option.of("--master-port", Kind.WHOLE_NUMBER, value -> masterPort = value)
            .initially(masterPort)
            .says("PORT", "Where the shards of a group meet; unused with one shard."));
  }

  ShardConfig toConfig(int count, AdapterArguments adapters, boolean trustRemoteCode) {
    return new ShardConfig(
        count,
        device,
        dtype,
        quantize,
        new ShardConfig.Speculation(speculativeTokens, speculationMaxBatchSize),
        trustRemoteCode,
        adapters.source(),
        adapters.staticAdapter(),
        adapters.mergeAdapterWeights,
        adapters.preloaded(),
        adapters.adapterRoots.stream().map(Path::toAbsolutePath).toList(),
        new ShardConfig.MemoryShares(
            cudaMemoryFraction, adapters.adapterMemoryFraction, memoryWiggleRoom),
        new ShardConfig.Kernels(eager, compileMaxBatchSize, disableCustomKernels, disableSgmv),
        masterAddress,
        masterPort);
  }

  void check(AdapterArguments adapters, Problems problems) {
    problems.expect(
        0 <= speculativeTokens && speculativeTokens <= MOST_SPECULATIVE_TOKENS,
        "--speculative-tokens",
        "a number from 0 to " + MOST_SPECULATIVE_TOKENS,
        speculativeTokens);
    problems.atLeast(1, "--speculation-max-batch-size", speculationMaxBatchSize);
    problems.atLeast(1, "--compile-max-batch-size", compileMaxBatchSize);
    problems.share(false, "--cuda-memory-fraction", cudaMemoryFraction);
    problems.share(false, "--memory-wiggle-room", memoryWiggleRoom);
    problems.expect(
        adapters.adapterMemoryFraction < cudaMemoryFraction || cudaMemoryFraction <= 0,
        "--adapter-memory-fraction",
        "less than --cuda-memory-fraction " + cudaMemoryFraction,
        adapters.adapterMemoryFraction);
    problems.expect(
        !(compile && eager), "--compile", "one of --compile and --eager", "both", "keep --eager");
    problems.port(1, "--master-port", masterPort);
    problems.expect(!masterAddress.isBlank(), "--master-addr", "a host", "nothing");
  }
}
