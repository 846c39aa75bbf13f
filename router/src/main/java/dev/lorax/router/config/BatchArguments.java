package dev.lorax.router.config;

import dev.lorax.options.Kind;
import dev.lorax.options.Option;
import dev.lorax.options.Problems;
import dev.lorax.router.batching.BatchLimits;
import dev.lorax.router.batching.QueueOrder;
import dev.lorax.router.request.RequestLimits;
import dev.lorax.router.shard.WarmupPlan;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Options about batches, as typed. */
final class BatchArguments {
  int maxPrefillTokens = 4096;
  @Nullable Integer chunkTokens;
  @Nullable Integer maxTotalTokens;
  double waitingServedRatio = 0.3;
  int maxWaitingSteps = 20;
  boolean eagerPrefill;
  boolean prefixCaching;
  QueueOrder queueOrder = QueueOrder.FAIR;

  List<Option<?>> options() {
    return List.of(
        Option.of(
                "--max-batch-prefill-tokens", Kind.WHOLE_NUMBER, value -> maxPrefillTokens = value)
            .initially(maxPrefillTokens)
            .says("TOKENS", "Most prompt tokens of one step."),
        Option.of("--prefill-chunk-tokens", Kind.WHOLE_NUMBER, value -> chunkTokens = value)
            .usually("128 on CPUs, else 512")
            .says(
                "TOKENS",
                "Most prompt tokens of a step beside running requests, with shards that chunk prompts."),
        Option.of("--max-batch-total-tokens", Kind.WHOLE_NUMBER, value -> maxTotalTokens = value)
            .usually("what the shards measure")
            .says("TOKENS", "Most tokens of all running requests."),
        Option.of("--waiting-served-ratio", Kind.NUMBER, value -> waitingServedRatio = value)
            .initially(waitingServedRatio)
            .says("RATIO", "Waiting to running requests at which a prefill interrupts decoding."),
        Option.of("--max-waiting-tokens", Kind.WHOLE_NUMBER, value -> maxWaitingSteps = value)
            .initially(maxWaitingSteps)
            .says("N", "Steps after which waiting requests interrupt decoding in any case."),
        Option.of("--eager-prefill", Kind.SWITCH, value -> eagerPrefill = value)
            .says("Prefill all that fits before decoding goes on."),
        Option.of("--prefix-caching", Kind.SWITCH, value -> prefixCaching = value)
            .says("Compute what prompts have in common once. The shards must know cache_len."),
        Option.of("--queue-order", Kind.oneOf(QueueOrder.values()), value -> queueOrder = value)
            .initially(queueOrder)
            .says(
                "ORDER",
                "fair: whoever was served the fewest tokens goes first. arrival: whoever came first."));
  }

  BatchLimits toLimits() {
    return new BatchLimits(
        maxPrefillTokens,
        chunkTokens,
        (float) waitingServedRatio,
        maxWaitingSteps,
        queueOrder,
        eagerPrefill,
        prefixCaching);
  }

  WarmupPlan toWarmup(RequestLimits requests) {
    return new WarmupPlan(
        requests.maxInputLength(), requests.maxTotalTokens(), toLimits(), maxTotalTokens);
  }

  void check(RequestArguments requests, Problems problems) {
    problems.atLeast(1, "--max-batch-prefill-tokens", maxPrefillTokens);
    problems.atLeast(1, "--prefill-chunk-tokens", chunkTokens);
    problems.atLeast(1, "--max-batch-total-tokens", maxTotalTokens);
    within("--max-batch-prefill-tokens", maxPrefillTokens, problems);
    within("--max-total-tokens", requests.maxTotalTokens, problems);
    problems.ratio("--waiting-served-ratio", waitingServedRatio);
    problems.atLeast(0, "--max-waiting-tokens", maxWaitingSteps);
  }

  private void within(String option, int tokens, Problems problems) {
    problems.expect(
        maxTotalTokens == null || tokens <= maxTotalTokens,
        option,
        "at most --max-batch-total-tokens " + maxTotalTokens,
        tokens);
  }
}
