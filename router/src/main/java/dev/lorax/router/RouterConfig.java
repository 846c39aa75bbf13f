package dev.lorax.router;

import dev.lorax.router.adapter.AdapterSource;
import dev.lorax.router.adapter.ResidencyLimits;
import dev.lorax.router.batching.BatchLimits;
import dev.lorax.router.batching.QueueOrder;
import dev.lorax.router.http.HttpFront.Address;
import dev.lorax.router.http.ServerFacts;
import dev.lorax.router.request.RequestLimits;
import dev.lorax.router.shard.WarmupPlan;
import dev.lorax.router.tokenizer.Machine;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

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
    Machine machine,
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

  /**
   * How long the process waits for others.
   *
   * @param lameDuck for clients and proxies to hear that it leaves, before it lets nobody new in;
   *     then for connections that nobody uses to be used once more
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
    var problems = new OptionProblems();
    var options = RouterOptions.read(arguments, environment, problems);
    if (options.isOn("--help")) {
      return new Reading.Answer(help());
    }
    if (options.isOn("--version")) {
      return new Reading.Answer("lorax-router " + VERSION);
    }
    RouterConfig config = check(new OptionValues(options, problems));
    return problems.all().isEmpty()
        ? new Reading.Read(config, options.inEffect())
        : new Reading.Wrong(problems.all());
  }

  private static String help() {
    try (var text = RouterConfig.class.getResourceAsStream("help.txt")) {
      return new String(Objects.requireNonNull(text).readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static RouterConfig check(OptionValues options) {
    Path directory = directory(options);
    RequestLimits limits = limits(options);
    WarmupPlan warmup = warmup(options, limits);
    var batch =
        new BatchLimits(
            warmup.maxPrefillTokens(),
            options.ratio("--waiting-served-ratio"),
            options.integer("--max-waiting-tokens", 0),
            queueOrder(options),
            options.isOn("--eager-prefill"));
    String modelId = options.optionalText("--model-id");
    var facts =
        new ServerFacts(
            modelId == null ? directory.toString() : modelId,
            options.optionalText("--revision"),
            limits,
            batch,
            options.integer("--validation-workers", 1),
            VERSION);
    String keys = options.optionalText("--api-keys-file");
    return new RouterConfig(
        Path.of(options.text("--master-shard-uds-path")),
        directory,
        here(),
        address(options),
        facts,
        batch,
        residency(options),
        warmup,
        options.optionalInteger("--max-queue-tokens", 1),
        keys == null ? null : Path.of(keys),
        patience(options),
        options.isOn("--json-output"));
  }

  private static Machine here() {
    return new Machine(
        System.getProperty("os.name"),
        System.getProperty("os.arch"),
        Path.of(System.getProperty("user.home")));
  }

  private static QueueOrder queueOrder(OptionValues options) {
    return QueueOrder.parse(options.text("--queue-order"))
        .orElseGet(() -> {
          options.add(
              "--queue-order: expected fair or arrival, got `%s`"
                  .formatted(options.text("--queue-order")));
          return QueueOrder.FAIR;
        });
  }

  private static Path directory(OptionValues options) {
    String directory = options.optionalText("--tokenizer-name");
    if (directory == null) {
      options.add("--tokenizer-name: expected the directory of the model, got nothing");
      return Path.of(".");
    }
    return Path.of(directory);
  }

  private static Address address(OptionValues options) {
    String hostname = options.text("--hostname");
    if (!RouterOptions.isAddress(hostname)) {
      options.add("--hostname: expected an IP address, got `%s`".formatted(hostname));
    }
    int port = options.integer("--port", 0);
    if (port > LAST_PORT) {
      options.add("--port: expected at most %d, got %d".formatted(LAST_PORT, port));
    }
    // Tokenizing, batching and the collector need cores as well.
    int eventLoops = Math.max(1, Runtime.getRuntime().availableProcessors() / 2);
    return new Address(hostname, port, eventLoops);
  }

  private static ResidencyLimits residency(OptionValues options) {
    return new ResidencyLimits(
        options.integer("--max-active-adapters", 1), options.seconds("--adapter-cycle-time-s"));
  }

  private static Patience patience(OptionValues options) {
    return new Patience(
        options.seconds("--shard-connect-timeout-s"),
        options.seconds("--lame-duck-s"),
        options.seconds("--drain-timeout-s"));
  }

  private static RequestLimits limits(OptionValues options) {
    AdapterSource source =
        AdapterSource.parse(options.text("--adapter-source"))
            .orElseGet(() -> {
              options.add(
                  "--adapter-source: expected one of %s, got `%s`"
                      .formatted(AdapterSource.OFFERED, options.text("--adapter-source")));
              return AdapterSource.HUB;
            });
    int input = options.integer("--max-input-length", 1);
    int total = options.integer("--max-total-tokens", 2);
    if (input >= total) {
      options.add(
          "--max-input-length: expected less than --max-total-tokens %d, got %d"
              .formatted(total, input));
    }
    return new RequestLimits(
        options.integer("--max-concurrent-requests", 1),
        options.integer("--max-best-of", 1),
        options.integer("--max-stop-sequences", 0),
        input,
        total,
        source,
        options.seconds("--max-queue-wait-s"),
        options.seconds("--max-request-s"));
  }

  private static WarmupPlan warmup(OptionValues options, RequestLimits limits) {
    int prefill = options.integer("--max-batch-prefill-tokens", 1);
    if (prefill < limits.maxInputLength()) {
      options.add(
          "--max-batch-prefill-tokens: expected at least --max-input-length %d, got %d"
              .formatted(limits.maxInputLength(), prefill));
    }
    Integer total = options.optionalInteger("--max-batch-total-tokens", 1);
    if (total != null && (prefill > total || limits.maxTotalTokens() > total)) {
      options.add(
          ("--max-batch-total-tokens: expected at least --max-batch-prefill-tokens %d and"
                  + " --max-total-tokens %d, got %d")
              .formatted(prefill, limits.maxTotalTokens(), total));
    }
    return new WarmupPlan(limits.maxInputLength(), limits.maxTotalTokens(), prefill, total);
  }
}
