package dev.lorax.launcher.config;

import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * What the shards are started with.
 *
 * @param dtype null leaves the choice to the shard, which knows its device
 * @param adapterSource of the static adapter; upstream's shard also takes it as the usual one
 * @param staticAdapter answers requests that name no adapter
 * @param preloadedAdapters all of one source
 * @param adapterRoots directories that local adapter ids are relative to
 */
public record ShardConfig(
    int count,
    Device device,
    @Nullable Dtype dtype,
    boolean trustRemoteCode,
    Source adapterSource,
    @Nullable AdapterReference staticAdapter,
    List<AdapterReference> preloadedAdapters,
    List<Path> adapterRoots,
    double adapterMemoryFraction,
    String masterAddress,
    int masterPort) {

  public ShardConfig {
    preloadedAdapters = List.copyOf(preloadedAdapters);
    adapterRoots = List.copyOf(adapterRoots);
  }

  public enum Device {
    AUTO,
    CPU,
    CUDA;

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
