package dev.lorax.operator;

import dev.lorax.crds.v1alpha1.Shards.Device;
import dev.lorax.operator.server.plan.DefaultImages;
import java.nio.file.Path;
import java.time.Duration;
import java.util.EnumMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Everything that can be set about an operator process, read once from its environment. Immutable.
 *
 * @param watchNamespaces empty for all
 * @param instance names this process among the operator's replicas
 * @param port of the health endpoints and the metrics
 * @param leadership null where this process is the only one and need not be elected
 * @param metricsServing null where this process serves no metrics to autoscalers
 */
record OperatorConfig(
    DefaultImages images,
    Set<String> watchNamespaces,
    @Nullable Leadership leadership,
    String instance,
    int port,
    @Nullable MetricsServing metricsServing) {

  /** Shorter ones are lost whenever the API server is slow. */
  private static final int MIN_LEASE_SECONDS = 5;

  private static final int MAX_LEASE_SECONDS = 300;

  OperatorConfig {
    watchNamespaces = Set.copyOf(watchNamespaces);
  }

  /**
   * The lease by which replicas of the operator elect one of them.
   *
   * @param leaseDuration how long a leader that is silent is still taken for alive
   */
  record Leadership(String leaseNamespace, String leaseName, Duration leaseDuration) {}

  /**
   * How metrics are served to autoscalers.
   *
   * @param port 0 for any free one
   * @param tls folder with {@code tls.crt} and {@code tls.key}
   */
  record MetricsServing(int port, Path tls) {}

  /** Reads all keys and reports all errors at once. */
  static OperatorConfig fromEnvironment(Map<String, String> environment) {
    var keys = new EnvironmentReader(environment);
    var config =
        new OperatorConfig(
            new DefaultImages(
                keys.required("LORAX_LAUNCHER_IMAGE", "a container image"),
                keys.required("LORAX_ROUTER_IMAGE", "a container image"),
                shardImages(keys)),
            keys.list("LORAX_WATCH_NAMESPACES"),
            leadership(keys),
            keys.optional("POD_NAME", "lorax-operator"),
            keys.port("LORAX_PORT", 8080),
            metricsServing(keys));
    keys.throwIfAnyWrong();
    return config;
  }

  private static Map<Device, String> shardImages(EnvironmentReader keys) {
    var images = new EnumMap<Device, String>(Device.class);
    for (Device device : Device.values()) {
      String image = keys.optional("LORAX_SHARD_" + device.name() + "_IMAGE", "");
      if (!image.isEmpty()) {
        images.put(device, image);
      }
    }
    return images;
  }

  private static @Nullable MetricsServing metricsServing(EnvironmentReader keys) {
    String tls = keys.optional("LORAX_METRICS_API_TLS", "");
    return tls.isEmpty()
        ? null
        : new MetricsServing(keys.port("LORAX_METRICS_API_PORT", 8443), Path.of(tls));
  }

  private static @Nullable Leadership leadership(EnvironmentReader keys) {
    if (!keys.flag("LORAX_LEADER_ELECTION", false)) {
      return null;
    }
    // Two processes of one name would both take themselves for the leader.
    keys.required("POD_NAME", "a name that no other process of the operator has");
    return new Leadership(
        keys.required("POD_NAMESPACE", "the namespace of the lease"),
        keys.optional("LORAX_LEASE_NAME", "lorax-operator"),
        keys.seconds("LORAX_LEASE_SECONDS", 15, MIN_LEASE_SECONDS, MAX_LEASE_SECONDS));
  }
}
