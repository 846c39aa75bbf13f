package dev.lorax.router.metrics;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

/**
 * All metrics of the process, as Prometheus text. Thread-safe once built.
 *
 * <p>Our own and not a library's, because clients of upstream know its counters without the suffix
 * {@code _total}, which both Micrometer and the Prometheus client enforce.
 */
final class MetricPage {
  private final List<Metric> metrics = new ArrayList<>();

  Counter counter(MetricName name) {
    return add(new Counter(name));
  }

  Gauge gauge(MetricName name) {
    return add(new Gauge(name));
  }

  Histogram histogram(MetricName name, double[] bounds) {
    return add(new Histogram(name, bounds));
  }

  void reading(MetricName name, Supplier<String> lines) {
    add(new Reading(name, lines));
  }

  String print() {
    var page = new StringBuilder();
    String family = "";
    for (Metric metric : metrics) {
      if (!metric.name().family().equals(family)) {
        family = metric.name().family();
        page.append("# TYPE ").append(family).append(' ').append(metric.type()).append('\n');
      }
      metric.print(page);
    }
    return page.toString();
  }

  private <M extends Metric> M add(M metric) {
    metrics.add(metric);
    return metric;
  }
}
