package dev.lorax.router.shard;

import dev.lorax.protocol.generate.v1.Batch;
import dev.lorax.protocol.generate.v1.InfoResponse;
import dev.lorax.protocol.generate.v1.NextTokenChooserParameters;
import dev.lorax.protocol.generate.v1.Request;
import dev.lorax.protocol.generate.v1.StoppingCriteriaParameters;
import dev.lorax.protocol.generate.v1.WarmupRequest;

/** The largest batch that can come, with every sampling step switched on, as upstream sends it. */
final class Warmup {
  private static final NextTokenChooserParameters SAMPLING =
      NextTokenChooserParameters.newBuilder()
          .setTemperature(0.9f)
          .setTopK(10)
          .setTopP(0.9f)
          .setTypicalP(0.9f)
          .setDoSample(false)
          .setRepetitionPenalty(1.2f)
          .setFrequencyPenalty(0.5f)
          .setPresencePenalty(0.5f)
          .setWatermark(true)
          .build();

  private Warmup() {}

  static WarmupRequest request(WarmupPlan plan, InfoResponse info) {
    int prefillTokens = plan.batch().stepTokens(info.getChunkedPrefill(), info.getDeviceType());
    String prompt = "_test ".repeat(plan.maxInputLength());
    var batch = Batch.newBuilder().setId(0);
    int rest = prefillTokens;
    while (rest > 0) {
      int truncate = Math.min(plan.maxInputLength(), rest);
      batch.addRequests(request(prompt, truncate, plan.maxTotalTokens()));
      rest -= truncate;
    }
    batch.setSize(batch.getRequestsCount());
    return WarmupRequest.newBuilder()
        .setBatch(batch)
        .setMaxInputLength(plan.maxInputLength())
        .setMaxPrefillTokens(prefillTokens)
        .setMaxNewTokens(plan.maxTotalTokens() - plan.maxInputLength())
        .build();
  }

  private static Request request(String prompt, int truncate, int maxTotalTokens) {
    return Request.newBuilder()
        .setId(0)
        .setInputs(prompt)
        .setTruncate(truncate)
        .setPrefillLogprobs(true)
        .setParameters(SAMPLING)
        .setStoppingParameters(
            StoppingCriteriaParameters.newBuilder()
                .setMaxNewTokens(maxTotalTokens - truncate)
                .setIgnoreEosToken(true))
        .build();
  }
}
