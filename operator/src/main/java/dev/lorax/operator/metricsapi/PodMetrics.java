package dev.lorax.operator.metricsapi;

import dev.lorax.operator.pod.RouterClient;
import dev.lorax.operator.pod.RouterLoad;
import dev.lorax.operator.server.manifest.Labels;
import dev.lorax.operator.server.manifest.RouterMetric;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.KubernetesClient;
import java.time.Duration;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import org.jspecify.annotations.Nullable;

/**
 * Answers questions for metrics of pods by asking the API server which pods there are and those
 * pods' routers how they are. Nothing is kept: an autoscaler asks every 15 seconds, and what a
 * cache would save is one list of one server's pods.
 */
final class PodMetrics {

  /**
   * A router that is busy beyond measure is the one whose numbers matter most; autoscalers wait
   * longer than this.
   */
  private static final Duration PATIENCE = Duration.ofSeconds(5);

  private final KubernetesClient client;
  private final InstantSource clock;
  private final RouterClient routers = new RouterClient(PATIENCE);

  PodMetrics(KubernetesClient client, InstantSource clock) {
    this.client = client;
    this.clock = clock;
  }

  /** A {@code MetricValueList}; pods whose router does not answer are left out of it. */
  Map<String, Object> answer(MetricsQuery query) {
    List<Pod> pods =
        pods(query).stream()
            .filter(pod -> pod.getMetadata().getDeletionTimestamp() == null)
            .toList();
    Map<String, RouterLoad> loads = routers.ask(pods);
    String now = clock.instant().truncatedTo(ChronoUnit.SECONDS).toString();
    List<Map<String, Object>> items =
        pods.stream()
            .flatMap(pod -> item(query, pod, loads.get(pod.getMetadata().getName()), now).stream())
            .toList();
    return Map.of(
        "kind",
        "MetricValueList",
        "apiVersion",
        "custom.metrics.k8s.io/v1beta2",
        "metadata",
        Map.of(),
        "items",
        items);
  }

  /** Pods of ours only, whatever the selector says. */
  private List<Pod> pods(MetricsQuery query) {
    var all = client.pods().inNamespace(query.namespace()).withLabelSelector(selector(query));
    return query.pod().equals(MetricsQuery.ALL)
        ? all.list().getItems()
        : all.list().getItems().stream()
            .filter(pod -> pod.getMetadata().getName().equals(query.pod()))
            .toList();
  }

  private static String selector(MetricsQuery query) {
    return query.selector().isEmpty()
        ? Labels.ALL_SERVERS
        : Labels.ALL_SERVERS + "," + query.selector();
  }

  private static Optional<Map<String, Object>> item(
      MetricsQuery query, Pod pod, @Nullable RouterLoad load, String timestamp) {
    OptionalDouble value = load == null ? OptionalDouble.empty() : value(query.metric(), load);
    return value.isEmpty()
        ? Optional.empty()
        : Optional.of(
            Map.of(
                "describedObject",
                Map.of(
                    "kind",
                    "Pod",
                    "apiVersion",
                    "v1",
                    "namespace",
                    query.namespace(),
                    "name",
                    pod.getMetadata().getName()),
                "metric",
                Map.of("name", query.metric().metricName()),
                "timestamp",
                timestamp,
                // In thousandths, as quantities have no decimal point of their own.
                "value",
                Math.round(value.getAsDouble() * 1000) + "m"));
  }

  private static OptionalDouble value(RouterMetric metric, RouterLoad load) {
    return switch (metric) {
      case QUEUE_LENGTH -> OptionalDouble.of(load.waiting());
      case BATCH_SIZE -> OptionalDouble.of(load.running());
      case CACHE_UTILIZATION -> load.cacheUtilization();
    };
  }
}
