package dev.lorax.router.metrics;

import java.util.Arrays;
import java.util.concurrent.atomic.DoubleAdder;
import java.util.concurrent.atomic.LongAdder;

/** How often which values occurred. Thread-safe. */
final class Histogram implements Metric {
  private final MetricName name;
  private final double[] bounds;
  private final LongAdder[] buckets;
  private final DoubleAdder sum = new DoubleAdder();

  Histogram(MetricName name, double[] bounds) {
    this.name = name;
    this.bounds = bounds.clone();
    this.buckets = new LongAdder[bounds.length + 1];
    Arrays.setAll(buckets, _ -> new LongAdder());
  }

  void observe(double value) {
    observe(value, 1);
  }

  /** The same value several times. */
  void observe(double value, int times) {
    int place = Arrays.binarySearch(bounds, value);
    // A bound belongs to the bucket that it closes.
    buckets[place >= 0 ? place : -place - 1].add(times);
    sum.add(value * times);
  }

  @Override
  public MetricName name() {
    return name;
  }

  @Override
  public String type() {
    return "histogram";
  }

  @Override
  public void print(StringBuilder page) {
    long count = 0;
    for (int i = 0; i <= bounds.length; i++) {
      count += buckets[i].sum();
      String bound = i == bounds.length ? "+Inf" : Double.toString(bounds[i]);
      page.append(name.with("le", bound).series("_bucket")).append(' ').append(count).append('\n');
    }
    page.append(name.series("_sum")).append(' ').append(sum.sum()).append('\n');
    page.append(name.series("_count")).append(' ').append(count).append('\n');
  }
}
