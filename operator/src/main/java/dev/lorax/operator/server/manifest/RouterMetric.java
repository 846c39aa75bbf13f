package dev.lorax.operator.server.manifest;

/** What autoscalers are told of each router, by the names under which they ask. */
public enum RouterMetric {
  /** Requests that wait for room in the batch. */
  QUEUE_LENGTH("lorax_queue_length"),
  /** Requests in the batch. */
  BATCH_SIZE("lorax_batch_current_size"),
  /** Share of the key-value cache that requests hold, from 0 to 1. */
  CACHE_UTILIZATION("lorax_kv_cache_utilization");

  private final String metricName;

  RouterMetric(String metricName) {
    this.metricName = metricName;
  }

  public String metricName() {
    return metricName;
  }
}
