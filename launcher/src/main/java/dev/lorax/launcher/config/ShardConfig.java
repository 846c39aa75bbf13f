package dev.lorax.launcher.config;

import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * What the shards are started with.
 *
 * @param dtype null leaves the choice to the shard, which knows its device
 * @param quantisation null keeps the weights as they are
 * @param adapterSource of the static adapter; upstream's shard also takes it as the usual one
 * @param staticAdapter answers requests that name no adapter
 * @param mergesStaticAdapter into the base model, after which no other adapter fits it
 * @param preloadedAdapters all of one source
 * @param adapterRoots directories that local adapter ids are relative to
 */
public record ShardConfig(
    int count,
    Device device,
    @Nullable Dtype dtype,
    @Nullable Quantisation quantisation,
    Speculation speculation,
    boolean trustRemoteCode,
    Source adapterSource,
    @Nullable AdapterReference staticAdapter,
    boolean mergesStaticAdapter,
    List<AdapterReference> preloadedAdapters,
    List<Path> adapterRoots,
    MemoryShares memory,
    Kernels kernels,
    String masterAddress,
    int masterPort) {

  public ShardConfig {
    preloadedAdapters = List.copyOf(preloadedAdapters);
    adapterRoots = List.copyOf(adapterRoots);
  }

  /**
   * How a shard divides its device's memory, each between 0 and 1.
   *
   * @param device of all memory, for the shard
   * @param adapters of all memory, for adapters, within {@code device}
   * @param wiggleRoom of what is then free, for the KV cache
   */
  public record MemoryShares(double device, double adapters, double wiggleRoom) {}

  /**
   * Tokens that are computed in case they come next.
   *
   * @param tokens proposed for each sequence and step, 0 for none
   * @param maxBatchSize sequences of a step that has proposals; null leaves the choice to the
   *     shard, which knows its device
   */
  public record Speculation(int tokens, @Nullable Integer maxBatchSize) {}

  /**
   * How a shard launches kernels, and which it leaves out.
   *
   * @param eager each by itself, with no CUDA graphs
   * @param mostGraphRows of a step that is replayed as a CUDA graph
   */
  public record Kernels(
      boolean eager, int mostGraphRows, boolean noCustomKernels, boolean noSgmv) {}

  public enum Device {
    AUTO,
    CPU,
    CUDA;

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /** How the weights of linear layers are kept: quantised as they load, or stored quantised. */
  public enum Quantisation {
    INT8,
    INT4,
    AWQ,
    GPTQ;

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  public enum Dtype {
    FLOAT32,
    BFLOAT16,
    FLOAT16;

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
    }
  }
}
