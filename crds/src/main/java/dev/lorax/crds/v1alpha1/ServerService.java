package dev.lorax.crds.v1alpha1;

import static java.util.Objects.requireNonNullElse;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Default;
import io.fabric8.generator.annotation.Max;
import io.fabric8.generator.annotation.Min;
import io.fabric8.generator.annotation.Size;
import io.fabric8.generator.annotation.ValidationRule;
import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** The Kubernetes Service of a server, named like the server. */
@JsonInclude(JsonInclude.Include.NON_EMPTY)
@ValidationRule(
    value = "!has(self.nodePort) || self.type != 'ClusterIP'",
    message =
        "spec.service.nodePort needs a Service that nodes listen for: set spec.service.type to"
            + " NodePort or LoadBalancer, or remove nodePort",
    fieldPath = ".nodePort")
@ValidationRule(
    value = "!has(self.loadBalancerClass) || self.type == 'LoadBalancer'",
    message =
        "spec.service.loadBalancerClass is for load balancers: set spec.service.type to"
            + " LoadBalancer, or remove loadBalancerClass",
    fieldPath = ".loadBalancerClass")
public record ServerService(
    @Default("ClusterIP")
        @JsonPropertyDescription("How the Service is reached: ClusterIP, NodePort or LoadBalancer.")
        Type type,
    @Default("3000")
        @Min(1)
        @Max(65535)
        @JsonPropertyDescription("Port of the Service; it leads to the router's port 3000.")
        Integer port,
    @Min(1)
        @Max(65535)
        @JsonPropertyDescription(
            "Port of every node that leads to the Service; the cluster chooses one when unset.")
        @Nullable Integer nodePort,
    @Size(min = 1, max = 253)
        @JsonPropertyDescription(
            "Which implementation of load balancers serves the Service; the cluster's default when"
                + " unset.")
        @Nullable String loadBalancerClass,
    @Size(max = 64)
        @JsonPropertyDescription(
            "Annotations of the Service, as load balancers and DNS controllers read them.")
        Map<String, String> annotations) {

  public ServerService {
    type = requireNonNullElse(type, Type.CLUSTER_IP);
    port = requireNonNullElse(port, 3000);
    annotations =
        Collections.unmodifiableSortedMap(
            new TreeMap<>(requireNonNullElse(annotations, Map.<String, String>of())));
  }

  static ServerService defaults() {
    return new ServerService(Type.CLUSTER_IP, 3000, null, null, Map.of());
  }

  /** How a Service is reached. */
  public enum Type {
    @JsonProperty("ClusterIP")
    CLUSTER_IP,
    @JsonProperty("NodePort")
    NODE_PORT,
    @JsonProperty("LoadBalancer")
    LOAD_BALANCER
  }
}
