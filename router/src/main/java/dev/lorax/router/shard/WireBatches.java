package dev.lorax.router.shard;

import dev.lorax.protocol.extensions.v1.GeneratedTokens;
import dev.lorax.protocol.extensions.v1.ResumeRequest;
import dev.lorax.protocol.generate.v1.Batch;
import dev.lorax.protocol.generate.v1.NextTokenChooserParameters;
import dev.lorax.protocol.generate.v1.Request;
import dev.lorax.protocol.generate.v1.StoppingCriteriaParameters;
import dev.lorax.protocol.generate.v1.TokenizedInputs;
import dev.lorax.router.batching.CachedBatch;
import dev.lorax.router.batching.Entry;
import dev.lorax.router.batching.PrefillBatch;
import dev.lorax.router.generation.GenerationRequest;
import dev.lorax.router.generation.Sampling;
import dev.lorax.router.generation.StopRules;

/** Batches as the shards want to read them. */
final class WireBatches {
  private WireBatches() {}

  static Batch batch(PrefillBatch batch) {
    var message =
        Batch.newBuilder()
            .setId(batch.id())
            .setSize(batch.entries().size())
            .setMaxTokens(batch.maxTokens())
            .setMaxBlocks(batch.blocks());
    batch.entries().forEach(entry -> message.addRequests(request(entry)));
    return message.build();
  }

  /** A batch of which some requests have generated before. */
  static ResumeRequest resumption(PrefillBatch batch) {
    var message = ResumeRequest.newBuilder().setBatch(batch(batch));
    for (Entry entry : batch.entries()) {
      int[] generated = entry.generated();
      if (generated.length > 0) {
        var tokens = GeneratedTokens.newBuilder().setRequestId(entry.id());
        for (int id : generated) {
          tokens.addIds(id);
        }
        message.addGenerated(tokens);
      }
    }
    return message.build();
  }

  static dev.lorax.protocol.generate.v1.CachedBatch cached(CachedBatch batch) {
    return dev.lorax.protocol.generate.v1.CachedBatch.newBuilder()
        .setId(batch.id())
        .addAllRequestIds(batch.requestIds())
        .setSize(batch.size())
        .setMaxTokens(batch.maxTokens())
        .setCurrentTokens(batch.currentTokens())
        .build();
  }

  private static Request request(Entry entry) {
    GenerationRequest request = entry.request();
    var tokens = TokenizedInputs.newBuilder();
    for (int id : request.prompt().tokenIds()) {
      tokens.addIds(id);
    }
    var message =
        Request.newBuilder()
            .setId(entry.id())
            .setInputs(request.prompt().text())
            .setTokenizedInputs(tokens)
            .setTruncate(request.truncate())
            .setParameters(parameters(request.sampling(), entry))
            .setStoppingParameters(stopping(request.stop()))
            .setPrefillLogprobs(request.prefillLogprobs())
            .setAdapterIndex(entry.adapter().index())
            .setCacheLen(entry.blocks().cachedTokens());
    if (entry.chunkTokens() > 0) {
      message.setChunkLen(entry.chunkTokens());
    }
    for (int block : entry.blocks().blocks()) {
      message.addBlocks(block);
    }
    for (int slot : entry.blocks().slots()) {
      message.addSlots(slot);
    }
    return message.build();
  }

  private static NextTokenChooserParameters parameters(Sampling sampling, Entry entry) {
    var message =
        NextTokenChooserParameters.newBuilder()
            .setTemperature(sampling.temperature())
            .setTopK(sampling.topK())
            .setTopP(sampling.topP())
            .setTypicalP(sampling.typicalP())
            .setDoSample(sampling.doSample())
            .setSeed(sampling.seed())
            .setRepetitionPenalty(sampling.repetitionPenalty())
            .setFrequencyPenalty(sampling.frequencyPenalty())
            .setPresencePenalty(sampling.presencePenalty())
            .setWatermark(sampling.watermark())
            .setAdapterId(entry.adapterKey().isBase() ? "" : entry.adapterKey().label())
            .setReturnKAlternatives(sampling.alternatives());
    if (sampling.schema() != null) {
      message.setSchema(sampling.schema());
    }
    return message.build();
  }

  private static StoppingCriteriaParameters stopping(StopRules stop) {
    return StoppingCriteriaParameters.newBuilder()
        .setMaxNewTokens(stop.maxNewTokens())
        .addAllStopSequences(stop.stopSequences())
        .setIgnoreEosToken(stop.ignoreEndOfSequence())
        .build();
  }
}
