package dev.lorax.crds.v1alpha1;

import static java.util.Objects.requireNonNullElse;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Pattern;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;
import io.fabric8.generator.annotation.ValidationRule;
import io.fabric8.kubernetes.api.model.Affinity;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What is laid over the pods that the operator makes. Containers and volumes are not here: they
 * follow from the rest of the spec.
 */
@JsonInclude(JsonInclude.Include.NON_EMPTY)
@ValidationRule(
    value =
        "!has(self.labels) || !('app.kubernetes.io/name' in self.labels"
            + " || 'app.kubernetes.io/instance' in self.labels"
            + " || 'app.kubernetes.io/managed-by' in self.labels)",
    message =
        "spec.podTemplate.labels must leave app.kubernetes.io/name, app.kubernetes.io/instance and"
            + " app.kubernetes.io/managed-by to the operator, which finds its pods by them: remove"
            + " them, or use a key of your own such as example.com/team",
    fieldPath = ".labels")
public record PodTemplate(
    @Size(max = 32)
        @JsonPropertyDescription(
            "Labels of the pods, beside those that the operator finds its pods by.")
        Map<String, String> labels,
    @Size(max = 64) @JsonPropertyDescription("Annotations of the pods.")
        Map<String, String> annotations,
    @Size(max = 32)
        @JsonPropertyDescription(
            "Labels that a node must have, for example nvidia.com/gpu.product: NVIDIA-H100-80GB-HBM3.")
        Map<String, String> nodeSelector,
    @Size(max = 32) @JsonPropertyDescription("Taints of nodes that do not keep the pods away.")
        List<Toleration> tolerations,
    @JsonPropertyDescription(
            "Nodes and pods that the pods are drawn to or kept away from, as in the spec of a pod.")
        @Nullable Affinity affinity,
    @Size(max = 8)
        @JsonPropertyDescription(
            "How evenly the replicas are spread over zones, nodes or other groups of nodes. Pods of"
                + " this server and of the same revision are counted.")
        List<TopologySpread> topologySpreadConstraints,
    @Size(min = 1, max = 253)
        @Pattern(Names.DNS_SUBDOMAIN)
        @JsonPropertyDescription(
            "PriorityClass of the pods: which pods give way when the devices are all taken.")
        @Nullable String priorityClassName,
    @Size(min = 1, max = 253)
        @Pattern(Names.DNS_SUBDOMAIN)
        @JsonPropertyDescription(
            "ServiceAccount of the pods, for example one that a cloud maps to a role that may read"
                + " a bucket. Its token is not mounted: the pods never call the Kubernetes API.")
        @Nullable String serviceAccountName,
    @Size(max = 16)
        @JsonPropertyDescription("Secrets with which the images of the pods are pulled.")
        List<ImagePullSecret> imagePullSecrets,
    @Size(min = 1, max = 253)
        @Pattern(Names.DNS_SUBDOMAIN)
        @JsonPropertyDescription("RuntimeClass of the pods, for example nvidia.")
        @Nullable String runtimeClassName,
    @Size(min = 1, max = 253)
        @Pattern(Names.DNS_SUBDOMAIN)
        @JsonPropertyDescription(
            "Scheduler that places the pods; the cluster's default one when unset.")
        @Nullable String schedulerName) {

  public PodTemplate {
    labels = sorted(labels);
    annotations = sorted(annotations);
    nodeSelector = sorted(nodeSelector);
    tolerations = List.copyOf(requireNonNullElse(tolerations, List.of()));
    topologySpreadConstraints =
        List.copyOf(requireNonNullElse(topologySpreadConstraints, List.of()));
    imagePullSecrets = List.copyOf(requireNonNullElse(imagePullSecrets, List.of()));
  }

  static PodTemplate defaults() {
    return new PodTemplate(
        Map.of(), Map.of(), Map.of(), List.of(), null, List.of(), null, null, List.of(), null,
        null);
  }

  /** A Secret of type kubernetes.io/dockerconfigjson. */
  public record ImagePullSecret(
      @Required
          @Size(min = 1, max = 253)
          @Pattern(Names.DNS_SUBDOMAIN)
          @JsonPropertyDescription("Name of the Secret, in the namespace of the LoraxServer.")
          String name) {}

  /** Sorted, so that the order in which a user writes them never shows in what is rendered. */
  private static SortedMap<String, String> sorted(@Nullable Map<String, String> pairs) {
    return Collections.unmodifiableSortedMap(
        pairs == null ? new TreeMap<>() : new TreeMap<>(pairs));
  }
}
