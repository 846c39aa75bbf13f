package dev.lorax.router.metrics;

/** A number that goes up and down. Thread-safe. */
final class Gauge implements Metric {
  private final MetricName name;
  private volatile long value;

  Gauge(MetricName name) {
    this.name = name;
  }

  void set(long now) {
    value = now;
  }

  @Override
  public MetricName name() {
    return name;
  }

  @Override
  public String type() {
    return "gauge";
  }

  @Override
  public void print(StringBuilder page) {
    page.append(name.series("")).append(' ').append(value).append('\n');
  }
}
