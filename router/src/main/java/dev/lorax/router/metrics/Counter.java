package dev.lorax.router.metrics;

import java.util.concurrent.atomic.LongAdder;

/** A number that only grows. Thread-safe. */
final class Counter implements Metric {
  private final MetricName name;
  private final LongAdder value = new LongAdder();

  Counter(MetricName name) {
    this.name = name;
  }

  void increment() {
    value.increment();
  }

  void add(long amount) {
    value.add(amount);
  }

  @Override
  public MetricName name() {
    return name;
  }

  @Override
  public String type() {
    return "counter";
  }

  @Override
  public void print(StringBuilder page) {
    page.append(name.series("")).append(' ').append(value.sum()).append('\n');
  }
}
