package dev.lorax.router.metrics;

/** Something that prints itself in Prometheus text form. */
sealed interface Metric permits Counter, Gauge, Histogram, Reading {
  MetricName name();

  String type();

  void print(StringBuilder page);
}
