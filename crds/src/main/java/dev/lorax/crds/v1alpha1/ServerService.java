package dev.lorax.crds.v1alpha1;

import static java.util.Objects.requireNonNullElse;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Default;
import io.fabric8.generator.annotation.Max;
import io.fabric8.generator.annotation.Min;

/** The Kubernetes Service of a server, named like the server. */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record ServerService(
    @Default("ClusterIP")
        @JsonPropertyDescription("How the Service is reached: ClusterIP, NodePort or LoadBalancer.")
        Type type,
    @Default("3000")
        @Min(1)
        @Max(65535)
        @JsonPropertyDescription("Port of the Service; it leads to the router's port 3000.")
        Integer port) {

  public ServerService {
    type = requireNonNullElse(type, Type.CLUSTER_IP);
    port = requireNonNullElse(port, 3000);
  }

  static ServerService defaults() {
    return new ServerService(Type.CLUSTER_IP, 3000);
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
