package dev.lorax.launcher.config;

import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Options that pass through to the router, as typed. */
final class RouterArguments {

  @Option(
      names = "--hostname",
      paramLabel = "IP",
      defaultValue = "0.0.0.0",
      description = "Address to listen on. Default: ${DEFAULT-VALUE}.")
  String hostname = "0.0.0.0";

  @Option(
      names = {"-p", "--port"},
      paramLabel = "PORT",
      defaultValue = "3000",
      description = "Default: ${DEFAULT-VALUE}.")
  int port;

  @Option(
      names = "--max-concurrent-requests",
      paramLabel = "N",
      defaultValue = "1024",
      description = "More get 429. Default: ${DEFAULT-VALUE}.")
  int maxConcurrentRequests;

  @Option(
      names = "--max-best-of",
      paramLabel = "N",
      defaultValue = "2",
      description = "Default: ${DEFAULT-VALUE}.")
  int maxBestOf;

  @Option(
      names = "--max-stop-sequences",
      paramLabel = "N",
      defaultValue = "4",
      description = "Default: ${DEFAULT-VALUE}.")
  int maxStopSequences;

  @Option(
      names = "--max-input-length",
      paramLabel = "TOKENS",
      description = "Longest prompt. Default: one less than --max-total-tokens.")
  @Nullable Integer maxInputLength;

  @Option(
      names = "--max-total-tokens",
      paramLabel = "TOKENS",
      description = "Prompt and answer. Default: what the model can, at most 4096.")
  @Nullable Integer maxTotalTokens;

  @Option(
      names = "--waiting-served-ratio",
      paramLabel = "F",
      defaultValue = "1.2",
      description = "Default: ${DEFAULT-VALUE}.")
  double waitingServedRatio;

  @Option(
      names = "--max-batch-prefill-tokens",
      paramLabel = "TOKENS",
      description = "Default: --max-input-length + 50.")
  @Nullable Integer maxBatchPrefillTokens;

  @Option(
      names = "--max-batch-total-tokens",
      paramLabel = "TOKENS",
      description = "Default: what fits the device.")
  @Nullable Integer maxBatchTotalTokens;

  @Option(
      names = "--max-waiting-tokens",
      paramLabel = "N",
      defaultValue = "20",
      description = "Default: ${DEFAULT-VALUE}.")
  int maxWaitingTokens;

  @Option(
      names = "--max-active-adapters",
      paramLabel = "N",
      defaultValue = "1024",
      description = "Default: ${DEFAULT-VALUE}.")
  int maxActiveAdapters;

  @Option(
      names = "--adapter-cycle-time-s",
      paramLabel = "SECONDS",
      defaultValue = "2",
      description = "Default: ${DEFAULT-VALUE}.")
  int adapterCycleTimeSeconds;

  @Option(
      names = "--validation-workers",
      paramLabel = "N",
      defaultValue = "2",
      description = "Tokenizer threads. Default: ${DEFAULT-VALUE}.")
  int validationWorkers;
}
