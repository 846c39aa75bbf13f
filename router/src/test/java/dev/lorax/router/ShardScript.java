package dev.lorax.router;

import java.time.Duration;
import java.util.List;
import java.util.Set;

/**
 * How a {@link ScriptedShard} behaves.
 *
 * @param step how long a Prefill or Decode takes
 * @param download how long downloading an adapter takes
 * @param load how long loading an adapter takes
 * @param adapters ids that can be downloaded; the download of any other fails, of {@code flaky}
 *     twice
 * @param preloaded ids that are loaded from the start, at indices from 1
 * @param resumes whether it goes on with what other shards began, which upstream's do not
 */
record ShardScript(
    int blockSize,
    int supportedTokens,
    Duration step,
    Duration download,
    Duration load,
    Set<String> adapters,
    List<String> preloaded,
    boolean resumes) {
  static final ShardScript PLAIN =
      new ShardScript(
          16,
          4096,
          Duration.ZERO,
          Duration.ZERO,
          Duration.ZERO,
          Set.of("red", "green", "blue"),
          List.of(),
          true);

  ShardScript withStep(Duration duration) {
    return new ShardScript(
        blockSize, supportedTokens, duration, download, load, adapters, preloaded, resumes);
  }

  ShardScript withDownload(Duration duration) {
    return new ShardScript(
        blockSize, supportedTokens, step, duration, load, adapters, preloaded, resumes);
  }

  ShardScript withLoad(Duration duration) {
    return new ShardScript(
        blockSize, supportedTokens, step, download, duration, adapters, preloaded, resumes);
  }

  ShardScript withSupportedTokens(int tokens) {
    return new ShardScript(blockSize, tokens, step, download, load, adapters, preloaded, resumes);
  }

  ShardScript withPreloaded(String... ids) {
    return new ShardScript(
        blockSize, supportedTokens, step, download, load, adapters, List.of(ids), resumes);
  }

  ShardScript withoutResume() {
    return new ShardScript(
        blockSize, supportedTokens, step, download, load, adapters, preloaded, false);
  }
}
