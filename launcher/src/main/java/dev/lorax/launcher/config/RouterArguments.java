package dev.lorax.launcher.config;

import dev.lorax.options.Kind;
import dev.lorax.options.Option;
import dev.lorax.options.Problems;
import java.net.InetAddress;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Options that pass through to the router, as typed. */
final class RouterArguments {

  InetAddress hostname = InetAddress.ofLiteral("0.0.0.0");
  int port = 3000;
  int maxConcurrentRequests = 1024;
  int maxBestOf = 2;
  int maxStopSequences = 4;
  @Nullable Integer maxInputLength;
  @Nullable Integer maxTotalTokens;
  double waitingServedRatio = 1.2;
  @Nullable Integer maxBatchPrefillTokens;
  @Nullable Integer maxBatchTotalTokens;
  int maxWaitingTokens = 20;
  boolean eagerPrefill = true;
  boolean chunkedPrefill = true;
  @Nullable Integer prefillChunkTokens;
  boolean prefixCaching = true;
  int maxActiveAdapters = 1024;
  int adapterCycleTimeSeconds = 2;
  int validationWorkers = 2;
  @Nullable String otlpEndpoint;

  List<Option<?>> options() {
    return List.of(
        Option.of("--hostname", Kind.ADDRESS, value -> hostname = value)
            .initially(hostname)
            .says(
                "IP",
                "Address to listen on. A variable that holds a name is a host's, and unread."),
        Option.of("--port", Kind.WHOLE_NUMBER, value -> port = value)
            .orShort("-p")
            .initially(port)
            .says("PORT", "Port of the HTTP API."),
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
            .usually("--max-total-tokens - 1")
            .says("TOKENS", "Longest prompt."),
        Option.of("--max-total-tokens", Kind.WHOLE_NUMBER, value -> maxTotalTokens = value)
            .usually("the model's, at most 4096")
            .says("TOKENS", "Longest prompt and answer together."),
        Option.of("--waiting-served-ratio", Kind.NUMBER, value -> waitingServedRatio = value)
            .initially(waitingServedRatio)
            .says("RATIO", "Waiting to running requests at which a prefill interrupts decoding."),
        Option.of(
                "--max-batch-prefill-tokens",
                Kind.WHOLE_NUMBER,
                value -> maxBatchPrefillTokens = value)
            .usually("--max-input-length + 50")
            .says("TOKENS", "Most prompt tokens of one step."),
        Option.of(
                "--max-batch-total-tokens", Kind.WHOLE_NUMBER, value -> maxBatchTotalTokens = value)
            .usually("what fits the device")
            .says("TOKENS", "Most tokens of all running requests."),
        Option.of("--max-waiting-tokens", Kind.WHOLE_NUMBER, value -> maxWaitingTokens = value)
            .initially(maxWaitingTokens)
            .says("N", "Steps after which waiting requests interrupt decoding in any case."),
        Option.of("--eager-prefill", Kind.TRUTH, value -> eagerPrefill = value)
            .initially(eagerPrefill)
            .says("BOOL", "Without chunks, prefill all that fits before decoding goes on."),
        Option.of("--chunked-prefill", Kind.TRUTH, value -> chunkedPrefill = value)
            .initially(chunkedPrefill)
            .says("BOOL", "Compute long prompts in chunks, beside the running requests."),
        Option.of("--prefill-chunk-tokens", Kind.WHOLE_NUMBER, value -> prefillChunkTokens = value)
            .usually("128 on CPUs, else 512")
            .says("TOKENS", "Most prompt tokens of a step beside running requests, with chunks."),
        Option.of("--prefix-caching", Kind.TRUTH, value -> prefixCaching = value)
            .initially(prefixCaching)
            .says("BOOL", "Compute once what prompts for the same adapter begin with."),
        Option.of("--max-active-adapters", Kind.WHOLE_NUMBER, value -> maxActiveAdapters = value)
            .initially(maxActiveAdapters)
            .says("N", "Most adapters on the shards at a time."),
        Option.of(
                "--adapter-cycle-time-s",
                Kind.WHOLE_NUMBER,
                value -> adapterCycleTimeSeconds = value)
            .initially(adapterCycleTimeSeconds)
            .says("SECONDS", "How long a busy adapter stays while others wait for its place."),
        Option.of("--validation-workers", Kind.WHOLE_NUMBER, value -> validationWorkers = value)
            .initially(validationWorkers)
            .says("N", "Threads that tokenize prompts."),
        Option.of("--otlp-endpoint", Kind.COLLECTOR, value -> otlpEndpoint = value)
            .usually("none: nothing is traced")
            .says("URL", "OpenTelemetry collector that gets a trace of each request, by gRPC."));
  }

  RouterConfig toConfig(
      Source defaultAdapterSource,
      AccessFiles access,
      ClientPatience clients,
      CrossOrigin crossOrigin) {
    return new RouterConfig(
        hostname,
        port,
        maxConcurrentRequests,
        maxBestOf,
        maxStopSequences,
        new RouterConfig.AskedLimits(
            maxInputLength, maxTotalTokens, maxBatchPrefillTokens, maxBatchTotalTokens),
        waitingServedRatio,
        maxWaitingTokens,
        eagerPrefill,
        chunkedPrefill,
        prefillChunkTokens,
        prefixCaching,
        maxActiveAdapters,
        adapterCycleTimeSeconds,
        validationWorkers,
        otlpEndpoint,
        defaultAdapterSource,
        access,
        clients,
        crossOrigin);
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
    problems.ratio("--waiting-served-ratio", waitingServedRatio);
    problems.atLeast(1, "--max-input-length", maxInputLength);
    problems.atLeast(2, "--max-total-tokens", maxTotalTokens);
    problems.atLeast(1, "--max-batch-prefill-tokens", maxBatchPrefillTokens);
    problems.atLeast(2, "--max-batch-total-tokens", maxBatchTotalTokens);
    problems.atLeast(1, "--prefill-chunk-tokens", prefillChunkTokens);
    checkOrder(problems);
  }

  /** Of those that are given; where the model decides, it is checked when the model is there. */
  private void checkOrder(Problems problems) {
    less("--max-input-length", maxInputLength, "--max-total-tokens", maxTotalTokens, problems);
    problems.expect(
        chunkedPrefill
            || maxBatchPrefillTokens == null
            || maxInputLength == null
            || maxBatchPrefillTokens >= maxInputLength,
        "--max-batch-prefill-tokens",
        "at least --max-input-length " + maxInputLength,
        maxBatchPrefillTokens,
        "without --chunked-prefill the longest prompt must fit one step");
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
        "less than " + upper + " " + above,
        below,
        "an answer needs at least one token");
  }

  private void within(String option, @Nullable Integer value, Problems problems) {
    problems.expect(
        value == null || maxBatchTotalTokens == null || value <= maxBatchTotalTokens,
        option,
        "at most --max-batch-total-tokens " + maxBatchTotalTokens,
        value);
  }
}
