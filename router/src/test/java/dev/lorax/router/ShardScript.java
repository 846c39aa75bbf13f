package dev.lorax.router;

import dev.lorax.protocol.extensions.v1.CapabilitiesResponse;
import dev.lorax.protocol.generate.v1.AdapterParameters;
import dev.lorax.protocol.generate.v1.AdapterSource;
import dev.lorax.protocol.generate.v1.InfoResponse;
import dev.lorax.protocol.generate.v1.PreloadedAdapter;
import dev.lorax.protocol.generate.v1.WarmupResponse;
import dev.lorax.router.batching.ModelAbilities;
import dev.lorax.router.batching.ModelAbilities.Classification;
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
 * @param abilities what the model does with texts
 * @param preloaded ids that are loaded from the start, at indices from 1; {@code stray} is from a
 *     source that no router knows
 * @param capabilities what it says that it can do beyond upstream's; nothing of all that: it does
 *     not know the question either
 * @param unfinished whether it chunks prompts and claims of each batch that one goes on for ever
 */
record ShardScript(
    int blockSize,
    int supportedTokens,
    Duration step,
    Duration download,
    Duration load,
    Set<String> adapters,
    List<String> preloaded,
    CapabilitiesResponse capabilities,
    ModelAbilities abilities,
    boolean unfinished) {
  static final ShardScript PLAIN =
      new ShardScript(
          16,
          4096,
          Duration.ZERO,
          Duration.ZERO,
          Duration.ZERO,
          Set.of("red", "green", "blue"),
          List.of(),
          CapabilitiesResponse.newBuilder()
              .setResume(true)
              .setSteps(true)
              .setRuns(true)
              .setAllInSteps(true)
              .setLoadsReplace(true)
              .build(),
          new ModelAbilities(true, true, Classification.NONE, ModelAbilities.UNLIMITED),
          false);

  /** An encoder, which generates nothing and reads texts of 20 tokens. */
  static ShardScript encoder(Classification classification) {
    boolean embeds = classification == Classification.NONE;
    return PLAIN.withAbilities(new ModelAbilities(false, embeds, classification, 20));
  }

  ShardScript withAbilities(ModelAbilities changed) {
    return new ShardScript(
        blockSize,
        supportedTokens,
        step,
        download,
        load,
        adapters,
        preloaded,
        capabilities,
        changed,
        unfinished);
  }

  ShardScript withStep(Duration duration) {
    return new ShardScript(
        blockSize,
        supportedTokens,
        duration,
        download,
        load,
        adapters,
        preloaded,
        capabilities,
        abilities,
        unfinished);
  }

  ShardScript withDownload(Duration duration) {
    return new ShardScript(
        blockSize,
        supportedTokens,
        step,
        duration,
        load,
        adapters,
        preloaded,
        capabilities,
        abilities,
        unfinished);
  }

  ShardScript withLoad(Duration duration) {
    return new ShardScript(
        blockSize,
        supportedTokens,
        step,
        download,
        duration,
        adapters,
        preloaded,
        capabilities,
        abilities,
        unfinished);
  }

  ShardScript withSupportedTokens(int tokens) {
    return new ShardScript(
        blockSize,
        tokens,
        step,
        download,
        load,
        adapters,
        preloaded,
        capabilities,
        abilities,
        unfinished);
  }

  ShardScript withPreloaded(String... ids) {
    return new ShardScript(
        blockSize,
        supportedTokens,
        step,
        download,
        load,
        adapters,
        List.of(ids),
        capabilities,
        abilities,
        unfinished);
  }

  /** As upstream's shards, which know no extensions. */
  ShardScript withoutCapabilities() {
    return withCapabilities(CapabilitiesResponse.getDefaultInstance());
  }

  /** Waits to be asked for each step. */
  ShardScript withoutRuns() {
    return withCapabilities(capabilities.toBuilder().setRuns(false).build());
  }

  ShardScript withCapabilities(CapabilitiesResponse changed) {
    return new ShardScript(
        blockSize,
        supportedTokens,
        step,
        download,
        load,
        adapters,
        preloaded,
        changed,
        abilities,
        unfinished);
  }

  /** Claims that each batch has a prompt that fills the next step. */
  ShardScript withUnfinishedPrompts() {
    return new ShardScript(
        blockSize,
        supportedTokens,
        step,
        download,
        load,
        adapters,
        preloaded,
        capabilities,
        abilities,
        true);
  }

  /** Tokens that the next step of a batch computes. */
  int currentTokens(int size) {
    return unfinished ? size + supportedTokens : size;
  }

  /** What a shard that follows it says of itself. */
  InfoResponse info() {
    var info =
        InfoResponse.newBuilder()
            .setDtype("torch.float32")
            .setDeviceType("cpu")
            .setBlockSize(abilities.generates() ? blockSize : 0)
            .setSupportsGeneration(abilities.generates())
            .setSupportsEmbeddings(abilities.embeds())
            .setSupportsClassification(abilities.classifies())
            .setRequiresBlockAllocator(abilities.generates())
            .setChunkedPrefill(unfinished);
    for (int i = 0; i < preloaded.size(); i++) {
      info.addPreloadedAdapters(
          PreloadedAdapter.newBuilder()
              .setAdapterIndex(i + 1)
              .setAdapterSourceValue(
                  preloaded.get(i).equals("stray") ? 99 : AdapterSource.LOCAL_VALUE)
              .setAdapterParameters(
                  AdapterParameters.newBuilder().addAdapterIds(preloaded.get(i))));
    }
    return info.build();
  }

  /** What it says once it is warm: how many tokens fit, if it keeps any. */
  WarmupResponse warmup() {
    var warm = WarmupResponse.newBuilder();
    return abilities.generates()
        ? warm.setMaxSupportedTotalTokens(supportedTokens).build()
        : warm.build();
  }
}
