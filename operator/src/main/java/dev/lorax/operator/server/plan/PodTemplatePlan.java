package dev.lorax.operator.server.plan;

import io.fabric8.kubernetes.api.model.Affinity;
import java.util.Collections;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** What is laid over the pods of a server; nothing of it names a container or a volume. */
public record PodTemplatePlan(
    SortedMap<String, String> labels,
    SortedMap<String, String> annotations,
    Scheduling scheduling,
    @Nullable String serviceAccount,
    List<String> imagePullSecrets,
    @Nullable String runtimeClass) {

  public PodTemplatePlan {
    labels = Collections.unmodifiableSortedMap(new TreeMap<>(labels));
    annotations = Collections.unmodifiableSortedMap(new TreeMap<>(annotations));
    imagePullSecrets = List.copyOf(imagePullSecrets);
  }

  /** Which nodes take the pods. */
  public record Scheduling(
      SortedMap<String, String> nodeSelector,
      List<TolerationPlan> tolerations,
      @Nullable Affinity affinity,
      List<Spread> spreads,
      @Nullable String priorityClass,
      @Nullable String scheduler) {

    public Scheduling {
      nodeSelector = Collections.unmodifiableSortedMap(new TreeMap<>(nodeSelector));
      tolerations = List.copyOf(tolerations);
      spreads = List.copyOf(spreads);
    }
  }

  /**
   * A taint that keeps no pod away; {@code operator} and {@code effect} are spelled as in a pod.
   */
  public record TolerationPlan(
      @Nullable String key,
      @Nullable String operator,
      @Nullable String value,
      @Nullable String effect,
      @Nullable Long seconds) {}

  /** An even spread over groups of nodes; {@code whenUnsatisfiable} is spelled as in a pod. */
  public record Spread(String topologyKey, int maxSkew, String whenUnsatisfiable) {}
}
