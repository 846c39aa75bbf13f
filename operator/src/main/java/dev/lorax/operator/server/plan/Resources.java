package dev.lorax.operator.server.plan;

import dev.lorax.crds.v1alpha1.ComputeResources;
import io.fabric8.kubernetes.api.model.Quantity;
import java.util.Collections;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Requests and limits of one container, sorted by name of the resource. */
public record Resources(SortedMap<String, Quantity> requests, SortedMap<String, Quantity> limits) {

  private static final String GPU = "nvidia.com/gpu";
  private static final String GPU_VENDOR = "nvidia.com/";

  public Resources {
    requests = Collections.unmodifiableSortedMap(new TreeMap<>(requests));
    limits = Collections.unmodifiableSortedMap(new TreeMap<>(limits));
  }

  static Resources of(@Nullable ComputeResources asked) {
    return asked == null
        ? new Resources(new TreeMap<>(), new TreeMap<>())
        : new Resources(new TreeMap<>(asked.requests()), new TreeMap<>(asked.limits()));
  }

  /** What a process is known to need, and no limit: whoever asks for anything decides it all. */
  static Resources orRequests(@Nullable ComputeResources asked, String cpu, String memory) {
    return asked != null
        ? of(asked)
        : new Resources(
            new TreeMap<>(Map.of("cpu", new Quantity(cpu), "memory", new Quantity(memory))),
            new TreeMap<>());
  }

  /** What {@code count} processes need that each need this. */
  Resources times(int count) {
    return count == 1
        ? this
        : new Resources(multiplied(requests, count), multiplied(limits, count));
  }

  /** Adds one GPU, unless a GPU or a part of one is asked for by name already. */
  Resources withGpu() {
    return limits.keySet().stream().anyMatch(name -> name.startsWith(GPU_VENDOR))
        ? this
        : withOne(GPU);
  }

  /** Adds one of a resource. */
  Resources withOne(String resource) {
    var more = new TreeMap<>(limits);
    more.put(resource, new Quantity("1"));
    return new Resources(requests, more);
  }

  /** Names of resources of which more is requested than the limit allows. */
  Stream<String> requestedAboveLimit() {
    return requests.entrySet().stream()
        .filter(entry -> limits.containsKey(entry.getKey()))
        .filter(entry -> entry.getValue().compareTo(limits.get(entry.getKey())) > 0)
        .map(Map.Entry::getKey);
  }

  private static SortedMap<String, Quantity> multiplied(
      SortedMap<String, Quantity> amounts, int count) {
    var sum = new TreeMap<String, Quantity>();
    amounts.forEach((name, amount) -> sum.put(name, amount.multiply(count)));
    return sum;
  }
}
