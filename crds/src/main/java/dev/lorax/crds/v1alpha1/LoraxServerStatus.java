package dev.lorax.crds.v1alpha1;

import static java.util.Objects.requireNonNullElse;

import com.fasterxml.jackson.annotation.JsonClassDescription;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.kubernetes.api.model.Condition;
import io.fabric8.kubernetes.model.annotation.LabelSelector;
import io.fabric8.kubernetes.model.annotation.StatusReplicas;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What the operator has seen. Immutable; written only by the operator. */
@JsonClassDescription("What the operator has seen; nobody else writes here.")
@JsonInclude(JsonInclude.Include.NON_NULL)
public record LoraxServerStatus(
    @JsonPropertyDescription("The generation of the spec that this status was computed from.")
        @Nullable Long observedGeneration,
    @JsonPropertyDescription("The base model in short, for people.") @Nullable String model,
    @StatusReplicas @JsonPropertyDescription("Replicas that exist.") Integer replicas,
    @JsonPropertyDescription("Replicas that answer requests.") Integer readyReplicas,
    @LabelSelector @JsonPropertyDescription("Label selector of the replicas, for autoscalers.")
        @Nullable String selector,
    @JsonPropertyDescription(
            "Preloaded adapters that every ready replica holds, of those asked for, as in 3/3.")
        @Nullable String adaptersReady,
    @JsonPropertyDescription("The preloaded adapters.") List<AdapterStatus> adapters,
    @JsonPropertyDescription(
            "How far the replica that is furthest behind has come with getting its model; absent"
                + " once all have it.")
        @Nullable Progress progress,
    @JsonPropertyDescription(
            "Ready says whether all replicas answer requests and, if not, what they wait for."
                + " Available says whether at least one does. Progressing says whether something is"
                + " still on its way. Degraded says whether something needs somebody, because it does not"
                + " pass by itself. ModelCached, ShardsReady, RouterReady and AdaptersWarm say how"
                + " far the replicas have come. PeerAccess says whether shards can see each other's"
                + " devices.")
        List<Condition> conditions) {

  public LoraxServerStatus {
    replicas = requireNonNullElse(replicas, 0);
    readyReplicas = requireNonNullElse(readyReplicas, 0);
    adapters = List.copyOf(requireNonNullElse(adapters, List.of()));
    conditions = List.copyOf(requireNonNullElse(conditions, List.of()));
  }

  /** A preloaded adapter and how many replicas hold it. */
  public record AdapterStatus(
      @JsonPropertyDescription("Id of the adapter.") String id,
      @JsonPropertyDescription("Ready replicas that hold the adapter.") Integer readyReplicas) {}
}
