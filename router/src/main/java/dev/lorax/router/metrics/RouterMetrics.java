package dev.lorax.router.metrics;

import dev.lorax.router.adapter.AdapterKey;
import dev.lorax.router.adapter.AdapterStatus;
import dev.lorax.router.batching.BatchObserver;
import dev.lorax.router.batching.ShardProfile;
import dev.lorax.router.batching.TurnState;
import dev.lorax.router.encoding.EncodingObserver;
import java.time.InstantSource;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/**
 * Every metric of the router, under upstream's names, and what the loops are worth in the log.
 * Thread-safe.
 */
public final class RouterMetrics implements BatchObserver, EncodingObserver {
  private static final double NANOS_PER_SECOND = 1e9;
  private static final double[] SECONDS = exponential(0.00015, 1.5, 35);
  private static final double[] BATCH_SIZES = exponential(1, 2, 11);
  private static final int LENGTH_BUCKETS = 100;

  private final MetricPage page = new MetricPage();
  private final Counter requests = page.counter(MetricName.of("lorax_request_count"));
  private final Counter resumed = page.counter(MetricName.of("lorax_request_resumed"));
  private final Counter successes = page.counter(MetricName.of("lorax_request_success"));
  private final Map<FailureLabel, Counter> failures =
      perValue(FailureLabel.class, FailureLabel::label, "lorax_request_failure", "err");
  private final Map<ConnectionEnd, Counter> endedConnections =
      perValue(ConnectionEnd.class, ConnectionEnd::label, "lorax_connection_closed", "reason");
  private final Histogram duration = seconds("lorax_request_duration");
  private final Histogram validation = seconds("lorax_request_validation_duration");
  private final Histogram queueing = seconds("lorax_request_queue_duration");
  private final Histogram inference = seconds("lorax_request_inference_duration");
  private final Histogram perToken = seconds("lorax_request_mean_time_per_token_duration");
  private final Histogram firstToken = seconds("lorax_request_time_to_first_token_duration");
  private final Histogram inputLength;
  private final Histogram inputCount =
      page.histogram(MetricName.of("lorax_request_input_count"), BATCH_SIZES);
  private final Histogram maxNewTokens;
  private final Histogram generatedTokens;
  private final Histogram skippedTokens;
  private final Histogram nextSize =
      page.histogram(MetricName.of("lorax_batch_next_size"), BATCH_SIZES);
  private final Map<Step, Counter> steps = perStep("lorax_batch_inference_count");
  private final Map<Step, Counter> stepSuccesses = perStep("lorax_batch_inference_success");
  private final Map<Step, Counter> stepFailures = perStep("lorax_batch_inference_failure");
  private final Map<Step, Histogram> stepSeconds = new EnumMap<>(Step.class);
  private final Map<Joining, Counter> joins =
      perValue(Joining.class, RouterMetrics::reason, "lorax_batch_concat", "reason");
  private final Histogram tokenGap = seconds("lorax_request_inter_token_duration");
  private final Counter promptTokensSeen =
      page.counter(MetricName.of("lorax_prefix_cache_query_tokens"));
  private final Counter promptTokensCached =
      page.counter(MetricName.of("lorax_prefix_cache_hit_tokens"));
  private final AdapterMetrics adapters;
  private final LoadMetrics load = new LoadMetrics(page);
  private final LoopLog log = new LoopLog();

  /**
   * @param places how many adapters may be on the shards at once
   */
  public RouterMetrics(int maxInputLength, int maxTotalTokens, int places, InstantSource clock) {
    adapters = new AdapterMetrics(page, SECONDS, places, clock);
    inputLength = lengths("lorax_request_input_length", maxInputLength);
    maxNewTokens = lengths("lorax_request_max_new_tokens", maxTotalTokens);
    generatedTokens = lengths("lorax_request_generated_tokens", maxTotalTokens);
    skippedTokens = lengths("lorax_request_skipped_tokens", maxTotalTokens);
    for (Step step : Step.values()) {
      MetricName name =
          MetricName.of("lorax_batch_inference_duration").with("method", method(step));
      stepSeconds.put(step, page.histogram(name, SECONDS));
    }
  }

  /** Everything, in Prometheus text form. */
  public String print() {
    return page.print();
  }

  public void requestReceived() {
    requests.increment();
  }

  public void requestFailed(FailureLabel label) {
    of(failures, label).increment();
  }

  /** The router has hung up on a client. */
  public void connectionEnded(ConnectionEnd reason) {
    of(endedConnections, reason).increment();
  }

  /** A request was prepared and goes to the batch loop. */
  public void requestPrepared(int promptTokens, int newTokens) {
    inputLength.observe(promptTokens);
    maxNewTokens.observe(newTokens);
  }

  public void requestSucceeded(RequestFacts facts) {
    successes.increment();
    duration.observe(facts.totalNanos() / NANOS_PER_SECOND);
    validation.observe(facts.validationNanos() / NANOS_PER_SECOND);
    queueing.observe(facts.queueNanos() / NANOS_PER_SECOND);
    inference.observe(facts.inferenceNanos() / NANOS_PER_SECOND);
    firstToken.observe(facts.timeToFirstTokenNanos() / NANOS_PER_SECOND);
    int tokens = Math.max(facts.generatedTokens(), 1);
    perToken.observe(facts.inferenceNanos() / NANOS_PER_SECOND / tokens);
    generatedTokens.observe(facts.generatedTokens());
    skippedTokens.observe(facts.skippedTokens());
  }

  /** Texts were prepared and go to the encoding loop. */
  public void textsPrepared(List<Integer> lengths) {
    inputCount.observe(lengths.size());
    lengths.forEach(inputLength::observe);
  }

  /** All texts of a request were embedded or classified. */
  public void textsSucceeded(RequestFacts facts) {
    successes.increment();
    duration.observe(facts.totalNanos() / NANOS_PER_SECOND);
    validation.observe(facts.validationNanos() / NANOS_PER_SECOND);
    queueing.observe(facts.queueNanos() / NANOS_PER_SECOND);
    inference.observe(facts.inferenceNanos() / NANOS_PER_SECOND);
  }

  @Override
  public void stepSucceeded(Step step, int size, long nanos) {
    of(steps, step).increment();
    of(stepSuccesses, step).increment();
    of(stepSeconds, step).observe(nanos / NANOS_PER_SECOND);
    if (step != Step.DECODE) {
      nextSize.observe(size);
    }
  }

  @Override
  public void stepFailed(Step step, int size, String message) {
    of(steps, step).increment();
    of(stepFailures, step).increment();
    log.stepFailed(method(step), size, message);
  }

  @Override
  public void joined(Joining joining) {
    of(joins, joining).increment();
  }

  @Override
  public void prompted(int promptTokens, int cachedTokens) {
    promptTokensSeen.add(promptTokens);
    promptTokensCached.add(cachedTokens);
  }

  @Override
  public void tokens(int count, long gapNanos) {
    tokenGap.observe(gapNanos / NANOS_PER_SECOND, count);
  }

  @Override
  public void turned(TurnState state) {
    load.turned(state);
  }

  @Override
  public void texts(int waiting, long waitingTokens, int running) {
    load.texts(waiting, waitingTokens, running);
  }

  @Override
  public void adapters(List<AdapterStatus> all) {
    adapters.adapters(all);
  }

  @Override
  public void moved(Move move, AdapterKey adapter, long nanos) {
    adapters.moved(move, nanos / NANOS_PER_SECOND);
    log.moved(move, adapter, nanos);
  }

  @Override
  public void moveFailed(Move move, AdapterKey adapter, String message) {
    of(
            failures,
            switch (move) {
              case DOWNLOAD -> FailureLabel.DOWNLOAD_ADAPTER;
              case LOAD -> FailureLabel.LOAD_ADAPTER;
              case OFFLOAD -> FailureLabel.OFFLOAD_ADAPTER;
            })
        .increment();
    log.moveFailed(move, adapter, message);
  }

  @Override
  public void connected(ShardProfile profile) {
    load.connected(profile);
    log.connected(profile);
  }

  @Override
  public void lost(String reason, int interrupted) {
    load.lost();
    log.lost(reason, interrupted);
  }

  @Override
  public void resumed(int count) {
    resumed.add(count);
  }

  @Override
  public void unexpected(RuntimeException exception) {
    log.unexpected(exception);
  }

  private static String method(Step step) {
    return switch (step) {
      case PREFILL -> "prefill";
      case DECODE -> "decode";
      case EMBED -> "embed";
      case CLASSIFY -> "classify";
    };
  }

  private static String reason(Joining joining) {
    return switch (joining) {
      case RATIO -> "backpressure";
      case LONG_WAIT -> "wait_exceeded";
      case CHUNKING -> "chunking";
    };
  }

  private Histogram seconds(String family) {
    return page.histogram(MetricName.of(family), SECONDS);
  }

  private Histogram lengths(String family, int longest) {
    var bounds = new double[LENGTH_BUCKETS];
    for (int i = 0; i < LENGTH_BUCKETS; i++) {
      bounds[i] = longest * (i + 1.0) / LENGTH_BUCKETS;
    }
    return page.histogram(MetricName.of(family), bounds);
  }

  private Map<Step, Counter> perStep(String family) {
    return perValue(Step.class, RouterMetrics::method, family, "method");
  }

  private <E extends Enum<E>> Map<E, Counter> perValue(
      Class<E> values, Function<E, String> spelling, String family, String label) {
    var counters = new EnumMap<E, Counter>(values);
    for (E value : values.getEnumConstants()) {
      MetricName name = MetricName.of(family).with(label, spelling.apply(value));
      counters.put(value, page.counter(name));
    }
    return counters;
  }

  static <K, V> V of(Map<K, V> map, K key) {
    V value = map.get(key);
    if (value == null) {
      throw new IllegalArgumentException("no metric for " + key);
    }
    return value;
  }

  private static double[] exponential(double first, double factor, int count) {
    var bounds = new double[count];
    double bound = first;
    for (int i = 0; i < count; i++) {
      bounds[i] = bound;
      bound *= factor;
    }
    return bounds;
  }
}
