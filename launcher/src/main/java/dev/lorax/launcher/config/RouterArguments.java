package dev.lorax.launcher.config;

import java.net.InetAddress;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Options that pass through to the router, as typed. */
final class RouterArguments {

  @Option(
      names = "--hostname",
      paramLabel = "IP",
      description = "Address to listen on. A variable that holds a name is a host's, and unread.")
  String hostname = "0.0.0.0";

  @Option(
      names = {"-p", "--port"},
      paramLabel = "PORT",
      description = "Port of the HTTP API.")
  int port = 3000;

  @Option(
      names = "--max-concurrent-requests",
      paramLabel = "N",
      description = "Requests beyond it get status 429.")
  int maxConcurrentRequests = 1024;

  @Option(names = "--max-best-of", paramLabel = "N", description = "Highest best_of of a request.")
  int maxBestOf = 2;

  @Option(
      names = "--max-stop-sequences",
      paramLabel = "N",
      description = "Most stop sequences of a request.")
  int maxStopSequences = 4;

  @Option(
      names = "--max-input-length",
      paramLabel = "TOKENS",
      description = {"Longest prompt.", "--max-total-tokens - 1"})
  @Nullable Integer maxInputLength;

  @Option(
      names = "--max-total-tokens",
      paramLabel = "TOKENS",
      description = {"Longest prompt and answer together.", "the model's, at most 4096"})
  @Nullable Integer maxTotalTokens;

  @Option(
      names = "--waiting-served-ratio",
      paramLabel = "RATIO",
      description = "Waiting to running requests at which a prefill interrupts decoding.")
  double waitingServedRatio = 1.2;

  @Option(
      names = "--max-batch-prefill-tokens",
      paramLabel = "TOKENS",
      description = {"Most prompt tokens of one step.", "--max-input-length + 50"})
  @Nullable Integer maxBatchPrefillTokens;

  @Option(
      names = "--max-batch-total-tokens",
      paramLabel = "TOKENS",
      description = {"Most tokens of all running requests.", "what fits the device"})
  @Nullable Integer maxBatchTotalTokens;

  @Option(
      names = "--max-waiting-tokens",
      paramLabel = "N",
      description = "Steps after which waiting requests interrupt decoding in any case.")
  int maxWaitingTokens = 20;

  @Option(
      names = "--eager-prefill",
      arity = "1",
      paramLabel = "BOOL",
      description = "Prefill all that fits before decoding goes on.")
  boolean eagerPrefill = true;

  @Option(
      names = "--max-active-adapters",
      paramLabel = "N",
      description = "Most adapters on the shards at a time.")
  int maxActiveAdapters = 1024;

  @Option(
      names = "--adapter-cycle-time-s",
      paramLabel = "SECONDS",
      description = "How long a busy adapter stays while others wait for its place.")
  int adapterCycleTimeSeconds = 2;

  @Option(
      names = "--validation-workers",
      paramLabel = "N",
      description = "Threads that tokenize prompts.")
  int validationWorkers = 2;

  RouterConfig toConfig(Source defaultAdapterSource, Problems problems) {
    return new RouterConfig(
        address(problems),
        port,
        maxConcurrentRequests,
        maxBestOf,
        maxStopSequences,
        new RouterConfig.AskedLimits(
            maxInputLength, maxTotalTokens, maxBatchPrefillTokens, maxBatchTotalTokens),
        waitingServedRatio,
        maxWaitingTokens,
        eagerPrefill,
        maxActiveAdapters,
        adapterCycleTimeSeconds,
        validationWorkers,
        defaultAdapterSource);
  }

  private InetAddress address(Problems problems) {
    try {
      return InetAddress.ofLiteral(hostname);
    } catch (IllegalArgumentException e) {
      problems.add("--hostname", "expected an IP address, got %s".formatted(hostname));
      return InetAddress.getLoopbackAddress();
    }
  }

  void check(Problems problems) {
    problems.port(1, "--port", port);
    problems.atLeast(1, "--max-concurrent-requests", maxConcurrentRequests);
    problems.atLeast(1, "--max-best-of", maxBestOf);
    problems.atLeast(0, "--max-stop-sequences", maxStopSequences);
    problems.atLeast(0, "--max-waiting-tokens", maxWaitingTokens);
    problems.atLeast(1, "--max-active-adapters", maxActiveAdapters);
    problems.atLeast(1, "--adapter-cycle-time-s", adapterCycleTimeSeconds);
    problems.atLeast(1, "--validation-workers", validationWorkers);
    problems.expect(
        Double.isFinite(waitingServedRatio) && waitingServedRatio >= 0,
        "--waiting-served-ratio",
        "a number of at least 0",
        waitingServedRatio);
    problems.atLeast(1, "--max-input-length", maxInputLength);
    problems.atLeast(2, "--max-total-tokens", maxTotalTokens);
    problems.atLeast(1, "--max-batch-prefill-tokens", maxBatchPrefillTokens);
    problems.atLeast(2, "--max-batch-total-tokens", maxBatchTotalTokens);
    checkOrder(problems);
  }

  /** Of those that are given; where the model decides, it is checked when the model is there. */
  private void checkOrder(Problems problems) {
    less("--max-input-length", maxInputLength, "--max-total-tokens", maxTotalTokens, problems);
    problems.expect(
        maxBatchPrefillTokens == null
            || maxInputLength == null
            || maxBatchPrefillTokens >= maxInputLength,
        "--max-batch-prefill-tokens",
        "at least --max-input-length %s".formatted(maxInputLength),
        maxBatchPrefillTokens,
        "the longest prompt must fit one step");
    within("--max-batch-prefill-tokens", maxBatchPrefillTokens, problems);
    within("--max-total-tokens", maxTotalTokens, problems);
  }

  private static void less(
      String lower,
      @Nullable Integer below,
      String upper,
      @Nullable Integer above,
      Problems problems) {
    problems.expect(
        below == null || above == null || below < above,
        lower,
        "less than %s %s".formatted(upper, above),
        below,
        "an answer needs at least one token");
  }

  private void within(String option, @Nullable Integer value, Problems problems) {
    problems.expect(
        value == null || maxBatchTotalTokens == null || value <= maxBatchTotalTokens,
        option,
        "at most --max-batch-total-tokens %s".formatted(maxBatchTotalTokens),
        value);
  }
}
