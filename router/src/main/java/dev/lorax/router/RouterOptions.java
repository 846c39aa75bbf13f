package dev.lorax.router;

import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * The command line, as text. Names and defaults are upstream's; each option may also come from the
 * environment, under its name in capitals with underscores.
 */
@Command(
    name = "lorax-router",
    description = "Serves HTTP and batches requests for the model shards.",
    mixinStandardHelpOptions = true,
    version = RouterConfig.VERSION,
    showDefaultValues = true)
@SuppressWarnings("NullAway.Init")
final class RouterOptions {
  @Option(names = "--max-concurrent-requests", defaultValue = "1024", description = "More: 429.")
  String maxConcurrentRequests;

  @Option(names = "--max-best-of", defaultValue = "2", description = "Most sequences a request.")
  String maxBestOf;

  @Option(names = "--max-stop-sequences", defaultValue = "10", description = "Most per request.")
  String maxStopSequences;

  @Option(names = "--max-input-length", defaultValue = "1792", description = "Prompt tokens.")
  String maxInputLength;

  @Option(names = "--max-total-tokens", defaultValue = "2048", description = "Prompt and new.")
  String maxTotalTokens;

  @Option(
      names = "--waiting-served-ratio",
      defaultValue = "0.3",
      description = "Waiting against running requests at which a Prefill interrupts decoding.")
  String waitingServedRatio;

  @Option(names = "--max-batch-prefill-tokens", defaultValue = "4096", description = "A Prefill.")
  String maxBatchPrefillTokens;

  @Option(names = "--max-batch-total-tokens", description = "Default: what the shards measure.")
  @Nullable String maxBatchTotalTokens;

  @Option(
      names = "--max-waiting-tokens",
      defaultValue = "20",
      description = "Steps after which waiting requests interrupt decoding in any case.")
  String maxWaitingTokens;

  @Option(names = "--max-active-adapters", defaultValue = "128", description = "On the shards.")
  String maxActiveAdapters;

  @Option(
      names = "--adapter-cycle-time-s",
      defaultValue = "2",
      description = "How long a busy adapter stays while others wait for its place.")
  String adapterCycleTimeSeconds;

  @Option(names = "--adapter-source", defaultValue = "hub", description = "hub|s3|local")
  String adapterSource;

  @Option(names = "--hostname", defaultValue = "0.0.0.0", description = "IP address to listen on.")
  String hostname;

  @Option(
      names = {"-p", "--port"},
      defaultValue = "3000",
      description = "0: any free one.")
  String port;

  @Option(
      names = "--master-shard-uds-path",
      defaultValue = "/tmp/lorax-server-0",
      description = "Unix socket of shard 0; resolved at every connect.")
  String masterShardUdsPath;

  @Option(names = "--tokenizer-name", description = "Directory of the model. Required.")
  @Nullable String tokenizerName;

  @Option(names = "--model-id", description = "Name shown to clients; default: tokenizer name.")
  @Nullable String modelId;

  @Option(names = "--revision", description = "Revision of the model, shown to clients.")
  @Nullable String revision;

  @Option(names = "--validation-workers", defaultValue = "2", description = "Tokenizer threads.")
  String validationWorkers;

  @Option(names = "--eager-prefill", description = "Prefill all that fits before decoding.")
  boolean eagerPrefill;

  @Option(names = "--json-output", description = "Log JSON lines.")
  boolean jsonOutput;

  @Option(
      names = "--max-queue-wait-s",
      defaultValue = "120",
      description = "How long a request may wait for its adapter and a place in the batch.")
  String maxQueueWaitSeconds;

  @Option(
      names = "--max-queue-tokens",
      description = "Tokens that may wait, prompts and answers. Default: 32 full batches.")
  @Nullable String maxQueueTokens;

  @Option(
      names = "--max-request-s",
      defaultValue = "3600",
      description = "How long a request may take as a whole.")
  String maxRequestSeconds;

  @Option(
      names = "--queue-order",
      defaultValue = "fair",
      description = "fair: whoever was served least goes first; arrival: whoever came first.")
  String queueOrder;

  @Option(
      names = "--lame-duck-s",
      defaultValue = "0",
      description =
          "How long to serve on after SIGTERM, closing each connection with its next answer, before"
              + " new requests are refused: until proxies send nobody any more.")
  String lameDuckSeconds;

  @Option(
      names = "--api-keys-file",
      description = "JSON with hashed API keys; read again when it changes. Default: no keys.")
  @Nullable String apiKeysFile;

  @Option(
      names = "--drain-timeout-s",
      defaultValue = "75",
      description = "How long running requests may take to end once new ones are refused.")
  String drainTimeoutSeconds;

  @Option(
      names = "--shard-connect-timeout-s",
      defaultValue = "60",
      description = "How long to wait for the shards at the start.")
  String shardConnectTimeoutSeconds;
}
