package dev.lorax.launcher.config;

import dev.lorax.launcher.config.LauncherConfig.PlaceConfig;
import dev.lorax.launcher.socket.UnixSockets;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** What no type can say about the options. Collects every problem as a sentence of its own. */
final class ArgumentChecks {

  private static final List<String> LOG_LEVELS = List.of("trace", "debug", "info", "warn", "error");

  /** The longest name below the socket directory that a shard binds. */
  private static final String LONGEST_SOCKET = "epoch-999999/shard-9999";

  private final List<String> problems;

  ArgumentChecks(List<String> problems) {
    this.problems = problems;
  }

  void model(ModelConfig model, boolean revisionTwice) {
    require(
        !revisionTwice,
        "--revision: expected one revision, got it in --model-id too; leave one of them out");
    require(
        model.source() != Source.LOCAL || Files.exists(Path.of(model.id())),
        "--model-id: expected a directory or .gguf file that exists, got %s".formatted(model.id()));
    require(
        model.source() != Source.LOCAL || model.revision() == null,
        "--revision: expected none, because %s is on disk, got %s"
            .formatted(model.id(), model.revision()));
  }

  void shards(ShardArguments shards, ShardConfig config) {
    require(
        shards.adapterMemoryFraction >= 0 && shards.adapterMemoryFraction <= 1,
        "--adapter-memory-fraction must be between 0 and 1, got " + shards.adapterMemoryFraction);
    port("--master-port", shards.masterPort, 1);
    for (var root : shards.adapterRoots) {
      require(
          Files.isDirectory(root), "--adapter-root must be a directory, got %s".formatted(root));
    }
    require(
        config.adapterRoots().size() > 0
            || config.preloadedAdapters().stream().noneMatch(one -> one.source() == Source.LOCAL),
        "--preloaded-adapter-ids of source local needs --adapter-root to find them in");
  }

  void router(RouterArguments router) {
    port("--port", router.port, 1);
    positive("--max-concurrent-requests", router.maxConcurrentRequests);
    positive("--max-best-of", router.maxBestOf);
    positive("--max-active-adapters", router.maxActiveAdapters);
    positive("--adapter-cycle-time-s", router.adapterCycleTimeSeconds);
    positive("--validation-workers", router.validationWorkers);
    positive("--max-input-length", router.maxInputLength);
    positive("--max-total-tokens", router.maxTotalTokens);
    positive("--max-batch-prefill-tokens", router.maxBatchPrefillTokens);
    positive("--max-batch-total-tokens", router.maxBatchTotalTokens);
    ordered(
        "--max-input-length", router.maxInputLength, "--max-total-tokens", router.maxTotalTokens);
    notAbove(
        "--max-batch-prefill-tokens", router.maxBatchPrefillTokens, router.maxBatchTotalTokens);
    notAbove("--max-total-tokens", router.maxTotalTokens, router.maxBatchTotalTokens);
  }

  void place(PlaceArguments place, PlaceConfig config) {
    port("--status-port", config.statusPort(), 0);
    require(
        UnixSockets.fits(config.socketDirectory().resolve(LONGEST_SOCKET)),
        "--shard-uds-path must be shorter than %d bytes, got %s"
            .formatted(
                UnixSockets.MAX_PATH_BYTES - LONGEST_SOCKET.length(), config.socketDirectory()));
    require(
        LOG_LEVELS.contains(place.logLevel.toLowerCase(Locale.ROOT)),
        "--log-level must be one of %s, got %s"
            .formatted(String.join(", ", LOG_LEVELS), place.logLevel));
    positive("--startup-timeout", place.startupTimeout);
    positive("--restart-window", place.restartWindow);
    require(place.maxRestarts >= 0, "--max-restarts must not be negative");
  }

  InetAddress address(String option, String value) {
    try {
      return InetAddress.ofLiteral(value);
    } catch (IllegalArgumentException e) {
      problems.add("%s must be an IP address, got %s".formatted(option, value));
      return InetAddress.getLoopbackAddress();
    }
  }

  private void require(boolean holds, String problem) {
    if (!holds) {
      problems.add(problem);
    }
  }

  private void port(String option, int value, int least) {
    require(
        value >= least && value <= 65535,
        "%s must be between %d and 65535, got %d".formatted(option, least, value));
  }

  private void positive(String option, @Nullable Integer value) {
    require(value == null || value > 0, "%s must be positive, got %s".formatted(option, value));
  }

  private void positive(String option, Duration value) {
    require(value.isPositive(), "%s must be positive, got %s".formatted(option, value));
  }

  private void ordered(
      String lower, @Nullable Integer below, String upper, @Nullable Integer above) {
    require(
        below == null || above == null || below < above,
        "%s (%s) must be less than %s (%s)".formatted(lower, below, upper, above));
  }

  private void notAbove(String option, @Nullable Integer value, @Nullable Integer total) {
    require(
        value == null || total == null || value <= total,
        "%s (%s) must not exceed --max-batch-total-tokens (%s)".formatted(option, value, total));
  }
}
