package dev.lorax.operator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lorax.crds.v1alpha1.Shards.Device;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;

final class OperatorConfigTest {

  @Test
  void needs_only_the_images() {
    // when
    var config =
        OperatorConfig.fromEnvironment(
            Map.of("LORAX_LAUNCHER_IMAGE", "launcher:1", "LORAX_ROUTER_IMAGE", "router:1"));

    // then
    assertThat(config.watchNamespaces()).isEmpty();
    assertThat(config.leadership()).isNull();
    assertThat(config.port()).isEqualTo(8080);
    assertThat(config.images().shards()).isEmpty();
    assertThat(config.metricsServing()).isNull();
  }

  @Test
  void reads_everything_that_the_chart_sets() {
    // when
    var config =
        OperatorConfig.fromEnvironment(
            Map.ofEntries(
                Map.entry("LORAX_LAUNCHER_IMAGE", "launcher:1"),
                Map.entry("LORAX_ROUTER_IMAGE", "router:1"),
                Map.entry("LORAX_SHARD_CPU_IMAGE", "shard:1"),
                Map.entry("LORAX_SHARD_CUDA_IMAGE", ""),
                Map.entry("LORAX_WATCH_NAMESPACES", "b, a"),
                Map.entry("LORAX_LEADER_ELECTION", "true"),
                Map.entry("LORAX_LEASE_NAME", "lease"),
                Map.entry("LORAX_LEASE_SECONDS", "30"),
                Map.entry("LORAX_METRICS_API_TLS", "/run/secrets/lorax/metrics-api"),
                Map.entry("POD_NAME", "operator-1"),
                Map.entry("POD_NAMESPACE", "system")));

    // then
    assertThat(config.images().shards()).containsOnlyKeys(Device.CPU);
    assertThat(config.watchNamespaces()).containsExactlyInAnyOrder("a", "b");
    assertThat(config.leadership())
        .isEqualTo(new OperatorConfig.Leadership("system", "lease", Duration.ofSeconds(30)));
    assertThat(config.instance()).isEqualTo("operator-1");
    assertThat(config.metricsServing())
        .isEqualTo(
            new OperatorConfig.MetricsServing(8443, Path.of("/run/secrets/lorax/metrics-api")));
  }

  @Test
  void reports_all_errors_at_once() {
    // given
    var environment =
        Map.of("LORAX_LEADER_ELECTION", "yes", "LORAX_PORT", "70000", "LORAX_LEASE_SECONDS", "15s");

    // then
    assertThatThrownBy(() -> OperatorConfig.fromEnvironment(environment))
        .hasMessageContaining("LORAX_LAUNCHER_IMAGE: expected a container image, got nothing")
        .hasMessageContaining("LORAX_ROUTER_IMAGE: expected a container image, got nothing")
        .hasMessageContaining("LORAX_LEADER_ELECTION: expected true or false, got yes")
        .hasMessageContaining("LORAX_PORT: expected a port from 0 to 65535, got 70000");
  }

  @Test
  void an_elected_process_needs_a_name_and_a_lease_that_does_not_run_out_by_chance() {
    // given
    var environment = Map.of("LORAX_LEADER_ELECTION", "true", "LORAX_LEASE_SECONDS", "4");

    // then
    assertThatThrownBy(() -> OperatorConfig.fromEnvironment(environment))
        .hasMessageContaining("POD_NAME: expected a name that no other process of the operator has")
        .hasMessageContaining("POD_NAMESPACE: expected the namespace of the lease, got nothing")
        .hasMessageContaining("LORAX_LEASE_SECONDS: expected 5 to 300 seconds, got 4");
  }
}
