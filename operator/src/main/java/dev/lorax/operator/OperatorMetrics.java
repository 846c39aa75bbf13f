package dev.lorax.operator;

import io.fabric8.kubernetes.api.model.HasMetadata;
import io.javaoperatorsdk.operator.api.monitoring.Metrics;
import io.javaoperatorsdk.operator.api.reconciler.RetryInfo;
import io.javaoperatorsdk.operator.processing.event.ResourceID;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Timer;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.core.instrument.binder.system.ProcessorMetrics;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;

/**
 * Every metric of the operator. Thread-safe. The framework's own collection is not used: it counts
 * retries in a label, which never ends where retries never end, and its gauges sink below zero when
 * a server is deleted while it waits.
 */
final class OperatorMetrics implements Metrics {

  private static final Duration[] BUCKETS = {
    Duration.ofMillis(5),
    Duration.ofMillis(20),
    Duration.ofMillis(100),
    Duration.ofMillis(500),
    Duration.ofSeconds(1),
    Duration.ofSeconds(5),
    Duration.ofSeconds(30)
  };

  private final PrometheusMeterRegistry registry =
      new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
  private final Timer successes = reconciles("success");
  private final Timer errors = reconciles("error");

  /** The framework queues a resource at most once, and reconciles it in one thread at a time. */
  private final Set<ResourceID> waiting = ConcurrentHashMap.newKeySet();

  private final Set<ResourceID> running = ConcurrentHashMap.newKeySet();
  private final AtomicBoolean leading;

  /** {@code leading} says whether this process is the one that reconciles. */
  OperatorMetrics(AtomicBoolean leading) {
    this.leading = leading;
    gauge("leader", "1 in the process that reconciles.", it -> it.leading.get() ? 1 : 0);
    gauge("reconciles_waiting", "LoraxServers that wait for a thread.", it -> it.waiting.size());
    gauge("reconciles_running", "LoraxServers being reconciled.", it -> it.running.size());
    new JvmMemoryMetrics().bindTo(registry);
    new ProcessorMetrics().bindTo(registry);
  }

  /** Everything, in Prometheus' text form. */
  String text() {
    return registry.scrape();
  }

  /** Whether no reconcile is under way. */
  boolean idle() {
    return running.isEmpty();
  }

  @Override
  public <T> T timeControllerExecution(ControllerExecution<T> execution) throws Exception {
    Timer.Sample sample = Timer.start(registry);
    boolean good = false;
    try {
      T result = execution.execute();
      good = true;
      return result;
    } finally {
      sample.stop(good ? successes : errors);
    }
  }

  @Override
  public void reconcileCustomResource(
      HasMetadata resource, @Nullable RetryInfo retry, Map<String, Object> metadata) {
    waiting.add(ResourceID.fromResource(resource));
  }

  @Override
  public void reconciliationExecutionStarted(HasMetadata resource, Map<String, Object> metadata) {
    ResourceID id = ResourceID.fromResource(resource);
    waiting.remove(id);
    running.add(id);
  }

  /** Called also for a resource that had gone before its turn came, whose start was not told. */
  @Override
  public void reconciliationExecutionFinished(HasMetadata resource, Map<String, Object> metadata) {
    ResourceID id = ResourceID.fromResource(resource);
    if (!running.remove(id)) {
      waiting.remove(id);
    }
  }

  private Timer reconciles(String result) {
    return Timer.builder("lorax_operator_reconcile")
        .description("Time to bring one LoraxServer to where its spec says.")
        .tag("result", result)
        .serviceLevelObjectives(BUCKETS)
        .register(registry);
  }

  private void gauge(String name, String help, ToDoubleFunction<OperatorMetrics> value) {
    Gauge.builder("lorax_operator_" + name, this, value).description(help).register(registry);
  }
}
