package dev.lorax.router;

import dev.lorax.router.adapter.AdapterSource;
import dev.lorax.router.adapter.ResidencyLimits;
import dev.lorax.router.batching.BatchLimits;
import dev.lorax.router.batching.QueueOrder;
import dev.lorax.router.http.HttpFront.Address;
import dev.lorax.router.http.ServerFacts;
import dev.lorax.router.request.RequestLimits;
import dev.lorax.router.shard.WarmupPlan;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.StringJoiner;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Model.OptionSpec;

/**
 * Everything that can be set, checked. Immutable.
 *
 * @param tokenizerDirectory where {@code tokenizer.json} lies
 * @param apiKeys file with API keys; absent: everybody may ask
 * @param maxQueueTokens tokens that may wait; absent means in proportion to what the shards hold
 */
record RouterConfig(
    Path firstShardSocket,
    Path tokenizerDirectory,
    Address address,
    ServerFacts facts,
    BatchLimits batch,
    ResidencyLimits residency,
    WarmupPlan warmup,
    @Nullable Integer maxQueueTokens,
    @Nullable Path apiKeys,
    Patience patience,
    boolean jsonOutput) {
  static final String VERSION = "0.1.0";

  private static final int LAST_PORT = 65_535;
  private static final String ANY_ADDRESS = "0.0.0.0";
  private static final Pattern IP = Pattern.compile("[0-9.]+|[0-9a-fA-F:]*:[0-9a-fA-F:.]*");

  /**
   * How long the process waits for others.
   *
   * @param lameDuck for clients and proxies to hear that it leaves, before it lets nobody in
   */
  record Patience(Duration shardConnect, Duration lameDuck, Duration drain) {}

  /** Outcome of reading the command line. */
  sealed interface Reading {
    /**
     * @param options as they are in effect, for people
     */
    record Read(RouterConfig config, String options) implements Reading {}

    /** Help or version was asked for. */
    record Answer(String text) implements Reading {}

    record Wrong(List<String> problems) implements Reading {}
  }

  static Reading read(List<String> arguments, Map<String, String> environment) {
    var options = new RouterOptions();
    var problems = new OptionProblems();
    var command = new CommandLine(options);
    command.setUnmatchedArgumentsAllowed(true);
    command.setDefaultValueProvider(argument -> fromEnvironment(argument, environment));
    try {
      command.parseArgs(arguments.toArray(String[]::new));
    } catch (CommandLine.ParameterException e) {
      problems.add(String.valueOf(e.getMessage()));
      return new Reading.Wrong(problems.all());
    }
    if (command.isUsageHelpRequested()) {
      return new Reading.Answer(command.getUsageMessage());
    }
    if (command.isVersionHelpRequested()) {
      return new Reading.Answer("lorax-router " + VERSION);
    }
    for (String unknown : command.getUnmatchedArguments()) {
      problems.add("unknown argument `%s`".formatted(unknown));
    }
    RouterConfig config = check(options, problems);
    return problems.all().isEmpty()
        ? new Reading.Read(config, inEffect(command))
        : new Reading.Wrong(problems.all());
  }

  /** As a command line. The text of a record would be compiled at every start, for one log line. */
  private static String inEffect(CommandLine command) {
    var line = new StringJoiner(" ");
    for (OptionSpec option : command.getCommandSpec().options()) {
      Object value = option.getValue();
      if (value != null && !option.usageHelp() && !option.versionHelp()) {
        line.add(option.longestName() + "=" + value);
      }
    }
    return line.toString();
  }

  private static @Nullable String fromEnvironment(
      CommandLine.Model.ArgSpec argument, Map<String, String> environment) {
    if (!(argument instanceof OptionSpec option)) {
      return argument.defaultValue();
    }
    String name = option.longestName().replaceFirst("^--", "");
    String value = environment.get(name.replace('-', '_').toUpperCase(Locale.ROOT));
    if (value == null || value.isEmpty()) {
      return argument.defaultValue();
    }
    // In a pod HOSTNAME is the pod's name, which nobody meant as an address to listen on.
    if (name.equals("hostname") && !IP.matcher(value).matches()) {
      return ANY_ADDRESS;
    }
    return option.type() == boolean.class ? String.valueOf(isOn(value)) : value;
  }

  /** Upstream's reading of switches in the environment. */
  private static boolean isOn(String value) {
    return !Set.of("0", "false", "no", "off", "n", "f").contains(value.toLowerCase(Locale.ROOT));
  }

  private static RouterConfig check(RouterOptions options, OptionProblems problems) {
    Path directory = directory(options, problems);
    RequestLimits limits = limits(options, problems);
    WarmupPlan warmup = warmup(options, limits, problems);
    var batch =
        new BatchLimits(
            warmup.maxPrefillTokens(),
            problems.ratio("--waiting-served-ratio", options.waitingServedRatio),
            problems.integer("--max-waiting-tokens", options.maxWaitingTokens, 0),
            queueOrder(options, problems),
            options.eagerPrefill);
    var facts =
        new ServerFacts(
            options.modelId == null ? directory.toString() : options.modelId,
            options.revision,
            limits,
            batch,
            problems.integer("--validation-workers", options.validationWorkers, 1),
            VERSION);
    return new RouterConfig(
        Path.of(options.masterShardUdsPath),
        directory,
        address(options, problems),
        facts,
        batch,
        residency(options, problems),
        warmup,
        problems.optionalInteger("--max-queue-tokens", options.maxQueueTokens, 1),
        options.apiKeysFile == null ? null : Path.of(options.apiKeysFile),
        patience(options, problems),
        options.jsonOutput);
  }

  private static QueueOrder queueOrder(RouterOptions options, OptionProblems problems) {
    return QueueOrder.parse(options.queueOrder)
        .orElseGet(() -> {
          problems.add(
              "--queue-order: expected fair or arrival, got `%s`".formatted(options.queueOrder));
          return QueueOrder.FAIR;
        });
  }

  private static Path directory(RouterOptions options, OptionProblems problems) {
    if (options.tokenizerName == null) {
      problems.add("--tokenizer-name: expected the directory of the model, got nothing");
      return Path.of(".");
    }
    return Path.of(options.tokenizerName);
  }

  private static Address address(RouterOptions options, OptionProblems problems) {
    if (!IP.matcher(options.hostname).matches()) {
      problems.add("--hostname: expected an IP address, got `%s`".formatted(options.hostname));
    }
    int port = problems.integer("--port", options.port, 0);
    if (port > LAST_PORT) {
      problems.add("--port: expected at most %d, got %d".formatted(LAST_PORT, port));
    }
    // Tokenizing, batching and the collector need cores as well.
    int eventLoops = Math.max(1, Runtime.getRuntime().availableProcessors() / 2);
    return new Address(options.hostname, port, eventLoops);
  }

  private static ResidencyLimits residency(RouterOptions options, OptionProblems problems) {
    return new ResidencyLimits(
        problems.integer("--max-active-adapters", options.maxActiveAdapters, 1),
        problems.seconds("--adapter-cycle-time-s", options.adapterCycleTimeSeconds));
  }

  private static Patience patience(RouterOptions options, OptionProblems problems) {
    return new Patience(
        problems.seconds("--shard-connect-timeout-s", options.shardConnectTimeoutSeconds),
        problems.seconds("--lame-duck-s", options.lameDuckSeconds),
        problems.seconds("--drain-timeout-s", options.drainTimeoutSeconds));
  }

  private static RequestLimits limits(RouterOptions options, OptionProblems problems) {
    AdapterSource source =
        AdapterSource.parse(options.adapterSource)
            .orElseGet(() -> {
              problems.add(
                  "--adapter-source: expected one of %s, got `%s`"
                      .formatted(AdapterSource.OFFERED, options.adapterSource));
              return AdapterSource.HUB;
            });
    int input = problems.integer("--max-input-length", options.maxInputLength, 1);
    int total = problems.integer("--max-total-tokens", options.maxTotalTokens, 2);
    if (input >= total) {
      problems.add(
          "--max-input-length: expected less than --max-total-tokens %d, got %d"
              .formatted(total, input));
    }
    return new RequestLimits(
        problems.integer("--max-concurrent-requests", options.maxConcurrentRequests, 1),
        problems.integer("--max-best-of", options.maxBestOf, 1),
        problems.integer("--max-stop-sequences", options.maxStopSequences, 0),
        input,
        total,
        source,
        problems.seconds("--max-queue-wait-s", options.maxQueueWaitSeconds),
        problems.seconds("--max-request-s", options.maxRequestSeconds));
  }

  private static WarmupPlan warmup(
      RouterOptions options, RequestLimits limits, OptionProblems problems) {
    int prefill = problems.integer("--max-batch-prefill-tokens", options.maxBatchPrefillTokens, 1);
    if (prefill < limits.maxInputLength()) {
      problems.add(
          "--max-batch-prefill-tokens: expected at least --max-input-length %d, got %d"
              .formatted(limits.maxInputLength(), prefill));
    }
    Integer total =
        problems.optionalInteger("--max-batch-total-tokens", options.maxBatchTotalTokens, 1);
    if (total != null && (prefill > total || limits.maxTotalTokens() > total)) {
      problems.add(
          ("--max-batch-total-tokens: expected at least --max-batch-prefill-tokens %d and"
                  + " --max-total-tokens %d, got %d")
              .formatted(prefill, limits.maxTotalTokens(), total));
    }
    return new WarmupPlan(limits.maxInputLength(), limits.maxTotalTokens(), prefill, total);
  }
}
