package dev.lorax.operator;

import static dev.lorax.operator.TestingServer.soon;
import static org.assertj.core.api.Assertions.assertThat;

import dev.lorax.crds.v1alpha1.LoraxServer;
import dev.lorax.operator.server.plan.PodLayout;
import io.fabric8.kubernetes.api.model.rbac.PolicyRule;
import io.fabric8.kubernetes.client.KubernetesClient;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/**
 * The rights that the chart grants against those that an operator uses, as the API server's audit
 * log tells. Who gives the operator a new right lets this test's server need it.
 */
@ExtendWith(TestingApiServer.class)
final class PermissionsIT {

  private static final String USER = "permissions";

  private static final Path SERVER = Path.of("src/test/resources/PermissionsIT/server.yaml");

  /** Rights that are checked but never used for a request. */
  private static final Set<String> CHECKED_ONLY =
      Set.of(
          // The API server asks for it when an owner reference blocks the owner's deletion.
          "lorax.dev/loraxservers/finalizers update",
          // The framework does not start without it, though it renews by patch.
          "coordination.k8s.io/leases update");

  @TempDir Path directory;

  @Test
  void the_chart_grants_what_the_operator_uses_and_nothing_else(TestingApiServer.Access access)
      throws IOException, InterruptedException {
    // given
    String namespace = access.namespace();
    try (KubernetesClient client = access.client()) {
      ChartRole.grant(client, USER);
      ChartRole.grantElection(client, USER, namespace);

      // when
      try (var operator = OperatorProcess.start(access, directory, environment(namespace))) {
        live(new TestingServer(client, namespace));
        operator.signal("TERM");
        operator.awaitEnd();
      }
    }

    // then
    List<AuditLog.Request> requests =
        access.audit().requests().stream()
            .filter(request -> request.user().equals(USER))
            .filter(request -> !request.resource().startsWith("selfsubject"))
            .toList();
    assertThat(requests).filteredOn(request -> request.status() == 403).isEmpty();
    Set<String> used = rights(requests.stream().flatMap(PermissionsIT::used));
    Set<String> granted =
        rights(
            Stream.concat(ChartRole.everywhere().stream(), ChartRole.election().stream())
                .flatMap(PermissionsIT::rights));
    granted.removeAll(CHECKED_ONLY);
    assertThat(used).isEqualTo(granted);
  }

  /** All that happens in a server's life, as far as it takes rights of its own. */
  private static void live(TestingServer server) throws IOException {
    server.create(GoldenFile.read(SERVER, LoraxServer.class));
    server.awaitReason("PodsPending");
    soon().untilAsserted(() -> assertThat(server.service()).isNotNull());
    soon().untilAsserted(() -> assertThat(server.disruptionBudget()).isNotNull());
    soon().untilAsserted(() -> assertThat(server.autoscaler()).isNotNull());
    server.client().resource(server.service()).delete();
    soon().untilAsserted(() -> assertThat(server.service()).isNotNull());
    try (var router = TestingRouter.start().has(1, 1, 10)) {
      new TestingPod(server.client(), server.namespace(), TestingServer.NAME)
          .create(PodLayout.STATUS_PORT, router.port())
          .routerIsReady();
      soon()
          .untilAsserted(
              () -> assertThat(server.condition("Available").getStatus()).isEqualTo("True"));
      server.patch(
          "{\"spec\": {\"replicas\": 1, \"disruptionBudget\": {\"mode\": \"None\"},"
              + " \"autoscaling\": null}}");
      soon().untilAsserted(() -> assertThat(server.disruptionBudget()).isNull());
      soon().untilAsserted(() -> assertThat(server.autoscaler()).isNull());
      soon()
          .untilAsserted(
              () -> assertThat(server.deployment().getSpec().getReplicas()).isEqualTo(1));
    }
  }

  private static Stream<String> rights(PolicyRule rule) {
    return rule.getResources().stream()
        .flatMap(resource ->
            rule.getVerbs().stream()
                .map(verb -> right(rule.getApiGroups().getFirst(), resource, verb)));
  }

  /** To apply something that is not there takes the right to create it, too. */
  private static Stream<String> used(AuditLog.Request request) {
    return (request.status() == 201
            ? Stream.of(request.verb(), "create")
            : Stream.of(request.verb()))
        .map(verb -> right(request.group(), request.resource(), verb));
  }

  private static String right(String group, String resource, String verb) {
    return "%s/%s %s".formatted(group.isEmpty() ? "core" : group, resource, verb);
  }

  private static Set<String> rights(Stream<String> rights) {
    return rights.collect(TreeSet::new, Set::add, Set::addAll);
  }

  private static Map<String, String> environment(String namespace) {
    return Map.of(
        "KUBERNETES_IMPERSONATE_USERNAME", USER,
        "LORAX_LAUNCHER_IMAGE", "launcher:1",
        "LORAX_ROUTER_IMAGE", "router:1",
        "LORAX_SHARD_CPU_IMAGE", "shard-cpu:1",
        "LORAX_LEADER_ELECTION", "true",
        "LORAX_LEASE_NAME", "lorax-lorax-operator",
        "LORAX_WATCH_NAMESPACES", namespace,
        "POD_NAME", "permissions",
        "POD_NAMESPACE", namespace);
  }
}
