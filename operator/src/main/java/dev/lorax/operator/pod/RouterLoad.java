package dev.lorax.operator.pod;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;

/**
 * How much one router has to do, from the page that Prometheus reads.
 *
 * @param waiting requests that wait for room in the batch
 * @param running requests in the batch
 * @param heldTokens tokens of the key-value cache that running requests hold or may come to need
 * @param maxTokens tokens that the cache has room for; 0 where the router has no shards, or is of a
 *     version that does not tell
 */
public record RouterLoad(double waiting, double running, double heldTokens, double maxTokens) {

  private static final String WAITING = "lorax_queue_length";
  private static final String RUNNING = "lorax_batch_current_size";
  private static final String HELD_TOKENS = "lorax_batch_current_max_tokens";
  private static final String MAX_TOKENS = "lorax_batch_max_total_tokens";

  /**
   * Reads Prometheus' text form.
   *
   * @throws IllegalArgumentException where a gauge is missing that every version has
   */
  static RouterLoad parse(String page) {
    var gauges = new HashMap<String, Double>();
    page.lines()
        .filter(line -> !line.startsWith("#"))
        .map(line -> line.split(" "))
        .filter(words -> words.length >= 2)
        .filter(words -> List.of(WAITING, RUNNING, HELD_TOKENS, MAX_TOKENS).contains(words[0]))
        .forEach(words -> gauges.put(words[0], Double.valueOf(words[1])));
    return new RouterLoad(
        of(gauges, WAITING),
        of(gauges, RUNNING),
        of(gauges, HELD_TOKENS),
        gauges.getOrDefault(MAX_TOKENS, 0.0));
  }

  /** Requests that would be lost with the router. */
  public long streams() {
    return Math.round(waiting + running);
  }

  /** Share of the cache that is taken, from 0 to 1; empty where its size is not known. */
  public OptionalDouble cacheUtilization() {
    return maxTokens > 0
        ? OptionalDouble.of(Math.min(1, heldTokens / maxTokens))
        : OptionalDouble.empty();
  }

  private static double of(Map<String, Double> gauges, String name) {
    Double value = gauges.get(name);
    if (value == null) {
      throw new IllegalArgumentException(
          "metrics of a router: expected a gauge %s, got none".formatted(name));
    }
    return value;
  }
}
