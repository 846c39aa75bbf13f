package dev.lorax.router.metrics;

import java.util.function.Supplier;

/** Series that are worked out when somebody asks. Thread-safe if its supplier is. */
final class Reading implements Metric {
  private final MetricName name;
  private final Supplier<String> lines;

  /**
   * @param lines whole lines of the page, each with its end
   */
  Reading(MetricName name, Supplier<String> lines) {
    this.name = name;
    this.lines = lines;
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
    page.append(lines.get());
  }
}
