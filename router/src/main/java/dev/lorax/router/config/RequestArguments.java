package dev.lorax.router.config;

import dev.lorax.options.Kind;
import dev.lorax.options.Option;
import dev.lorax.options.Problems;
import dev.lorax.router.adapter.AdapterSource;
import dev.lorax.router.request.RequestLimits;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Options about what requests may ask for and how long they may take, as typed. */
final class RequestArguments {
  int maxConcurrentRequests = 1024;
  int maxBestOf = 2;
  int maxStopSequences = 10;
  int maxInputLength = 1792;
  int maxTotalTokens = 2048;
  int maxQueueWaitSeconds = 120;
  @Nullable Integer maxQueueTokens;
  int maxRequestSeconds = 3600;

  List<Option<?>> options() {
    return List.of(
        Option.of(
                "--max-concurrent-requests",
                Kind.WHOLE_NUMBER,
                value -> maxConcurrentRequests = value)
            .initially(maxConcurrentRequests)
            .says("N", "Requests beyond it get status 429."),
        Option.of("--max-best-of", Kind.WHOLE_NUMBER, value -> maxBestOf = value)
            .initially(maxBestOf)
            .says("N", "Highest best_of of a request."),
        Option.of("--max-stop-sequences", Kind.WHOLE_NUMBER, value -> maxStopSequences = value)
            .initially(maxStopSequences)
            .says("N", "Most stop sequences of a request."),
        Option.of("--max-input-length", Kind.WHOLE_NUMBER, value -> maxInputLength = value)
            .initially(maxInputLength)
            .says("TOKENS", "Longest prompt."),
        Option.of("--max-total-tokens", Kind.WHOLE_NUMBER, value -> maxTotalTokens = value)
            .initially(maxTotalTokens)
            .says("TOKENS", "Longest prompt and answer together."),
        Option.of("--max-queue-wait-s", Kind.WHOLE_NUMBER, value -> maxQueueWaitSeconds = value)
            .initially(maxQueueWaitSeconds)
            .says(
                "SECONDS", "How long a request may wait for its adapter and a place in the batch."),
        Option.of("--max-queue-tokens", Kind.WHOLE_NUMBER, value -> maxQueueTokens = value)
            .usually("32 full batches")
            .says("TOKENS", "Most tokens that may wait, prompts and answers."),
        Option.of("--max-request-s", Kind.WHOLE_NUMBER, value -> maxRequestSeconds = value)
            .initially(maxRequestSeconds)
            .says("SECONDS", "How long a request may take as a whole."));
  }

  RequestLimits toLimits(AdapterSource source) {
    return new RequestLimits(
        maxConcurrentRequests,
        maxBestOf,
        maxStopSequences,
        maxInputLength,
        maxTotalTokens,
        source,
        Duration.ofSeconds(maxQueueWaitSeconds),
        Duration.ofSeconds(maxRequestSeconds));
  }

  void check(Problems problems) {
    problems.atLeast(1, "--max-concurrent-requests", maxConcurrentRequests);
    problems.atLeast(1, "--max-best-of", maxBestOf);
    problems.atLeast(0, "--max-stop-sequences", maxStopSequences);
    problems.atLeast(1, "--max-input-length", maxInputLength);
    problems.atLeast(2, "--max-total-tokens", maxTotalTokens);
    problems.expect(
        maxInputLength < maxTotalTokens,
        "--max-input-length",
        "less than --max-total-tokens " + maxTotalTokens,
        maxInputLength,
        "an answer needs at least one token");
    problems.atLeast(0, "--max-queue-wait-s", maxQueueWaitSeconds);
    problems.atLeast(1, "--max-queue-tokens", maxQueueTokens);
    problems.atLeast(0, "--max-request-s", maxRequestSeconds);
  }
}
