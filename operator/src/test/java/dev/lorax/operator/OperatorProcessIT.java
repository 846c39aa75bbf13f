package dev.lorax.operator;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.api.model.coordination.v1.Lease;
import io.fabric8.kubernetes.client.KubernetesClient;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** The operator as a process of its own: how it starts, what it tells and how it ends. */
@ExtendWith(TestingApiServer.class)
final class OperatorProcessIT {

  private static final int SIGTERM_EXIT = 128 + 15;

  @TempDir Path directory;

  @Test
  void elected_operator_tells_how_it_is_and_gives_its_lease_back_when_it_is_told_to_end(
      TestingApiServer.Access server) throws IOException, InterruptedException {
    // given
    String namespace = server.namespace();
    try (KubernetesClient client = server.client();
        var operator = OperatorProcess.start(server, directory, environment(namespace))) {
      operator.awaitLine("elected; reconciling");
      int port = operator.awaitPort();
      assertThat(OperatorProcess.get(port, "/readyz").statusCode()).isEqualTo(200);
      assertThat(OperatorProcess.get(port, "/healthz").statusCode()).isEqualTo(200);
      assertThat(OperatorProcess.get(port, "/metrics").body())
          .contains("lorax_operator_leader 1.0", "lorax_operator_reconciles_waiting 0.0");
      assertThat(holder(client, namespace)).isEqualTo("operator-a");

      // when
      operator.signal("TERM");

      // then
      assertThat(operator.awaitEnd()).isEqualTo(SIGTERM_EXIT);
      assertThat(operator.output()).contains("lease given back", "operator stopped");
      assertThat(holder(client, namespace)).isEmpty();
    }
  }

  @Test
  void says_what_is_wrong_with_its_environment(TestingApiServer.Access server)
      throws IOException, InterruptedException {
    // when
    try (var operator =
        OperatorProcess.start(server, directory, Map.of("LORAX_LEADER_ELECTION", "perhaps"))) {

      // then
      assertThat(operator.awaitEnd()).isEqualTo(2);
      assertThat(operator.output())
          .contains(
              "LORAX_LAUNCHER_IMAGE: expected a container image, got nothing",
              "LORAX_LEADER_ELECTION: expected true or false, got perhaps");
    }
  }

  private static String holder(KubernetesClient client, String namespace) {
    Lease lease = client.leases().inNamespace(namespace).withName("lorax-operator").require();
    return lease.getSpec().getHolderIdentity();
  }

  private static Map<String, String> environment(String namespace) {
    return Map.of(
        "LORAX_LAUNCHER_IMAGE", "launcher:1",
        "LORAX_ROUTER_IMAGE", "router:1",
        "LORAX_LEADER_ELECTION", "true",
        "LORAX_WATCH_NAMESPACES", namespace,
        "POD_NAME", "operator-a",
        "POD_NAMESPACE", namespace);
  }
}
