package dev.lorax.operator;

import static dev.lorax.operator.TestingServer.soon;
import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.client.KubernetesClient;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** Two processes of the operator of which one works, and what becomes of the work without it. */
@ExtendWith(TestingApiServer.class)
final class LeaderElectionIT {

  @TempDir Path directory;

  private final List<OperatorProcess> processes = new ArrayList<>();
  private TestingApiServer.Access access;
  private KubernetesClient client;
  private String namespace;
  private TestingServer server;

  @BeforeEach
  void prepare(TestingApiServer.Access given) {
    access = given;
    client = access.client();
    namespace = access.namespace();
    server = new TestingServer(client, namespace);
  }

  @AfterEach
  void stop() {
    processes.forEach(OperatorProcess::close);
    client.close();
  }

  @Test
  void a_leader_that_was_killed_is_replaced_and_nothing_is_written_twice()
      throws IOException, InterruptedException {
    // given
    var leader = start("killed").awaitLine("elected; reconciling");
    var standby = start("heir");
    int port = standby.awaitPort();
    server.create();
    server.awaitReason("PodsPending");
    assertThat(OperatorProcess.get(port, "/readyz").statusCode()).isEqualTo(200);
    assertThat(OperatorProcess.get(port, "/metrics").body()).contains("lorax_operator_leader 0.0");

    // when
    leader.signal("KILL");
    standby.awaitLine("elected; reconciling");
    new TestingPod(client, namespace, "demo").create();
    server.awaitReason("PodStarting");

    // then: reconciles of one server follow each other, so nothing else is to come
    assertThat(writes("killed", "deployments", "services")).containsOnlyOnce("deployments");
    assertThat(writes("killed", "deployments", "services")).containsOnlyOnce("services");
    assertThat(writes("heir", "deployments", "services")).isEmpty();
    assertThat(OperatorProcess.get(port, "/metrics").body()).contains("lorax_operator_leader 1.0");
  }

  @Test
  void a_leader_that_was_frozen_past_its_lease_ends_when_it_finds_another()
      throws IOException, InterruptedException {
    // given
    var leader = start("frozen").awaitLine("elected; reconciling");
    var standby = start("successor");
    standby.awaitPort();
    leader.signal("STOP");
    standby.awaitLine("elected; reconciling");
    server.create();
    server.awaitReason("PodsPending");

    // when
    leader.signal("CONT");

    // then
    assertThat(leader.awaitEnd()).isEqualTo(1);
    assertThat(leader.output()).contains("another operator process was elected");
    soon().untilAsserted(() -> assertThat(server.service()).isNotNull());
    assertThat(writes("frozen", "leases")).isNotEmpty();
    assertThat(writes("successor", "deployments")).hasSize(1);
  }

  /** The resources that a process wrote to, once for each write, out of these. */
  private List<String> writes(String process, String... resources) {
    return access.audit().requests().stream()
        .filter(request -> request.agent().equals("lorax-operator/" + process))
        .filter(request -> request.namespace().equals(namespace))
        .filter(AuditLog.Request::isWrite)
        .map(AuditLog.Request::resource)
        .filter(List.of(resources)::contains)
        .toList();
  }

  private OperatorProcess start(String name) throws IOException {
    var process =
        OperatorProcess.start(
            access,
            directory,
            Map.of(
                "LORAX_LAUNCHER_IMAGE", "launcher:1",
                "LORAX_ROUTER_IMAGE", "router:1",
                "LORAX_SHARD_CPU_IMAGE", "shard-cpu:1",
                "LORAX_LEADER_ELECTION", "true",
                "LORAX_LEASE_SECONDS", "6",
                "LORAX_WATCH_NAMESPACES", namespace,
                "POD_NAME", name,
                "POD_NAMESPACE", namespace));
    processes.add(process);
    return process;
  }
}
