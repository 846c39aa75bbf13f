package dev.lorax.operator;

import static dev.lorax.operator.TestingServer.soon;
import static org.assertj.core.api.Assertions.assertThat;

import dev.lorax.operator.server.plan.PodLayout;
import io.fabric8.kubernetes.client.KubernetesClient;
import java.io.IOException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** What a server's pods and its budget look like when replicas go. */
@ExtendWith(TestingApiServer.class)
final class ScaleDownIT {

  private static final String COST = "controller.kubernetes.io/pod-deletion-cost";

  private KubernetesClient client;
  private LoraxOperator operator;
  private TestingServer server;
  private TestingRouter busy;
  private TestingRouter idle;

  @BeforeEach
  void start(TestingApiServer.Access access) throws IOException {
    client = access.client();
    server = new TestingServer(client, access.namespace());
    busy = TestingRouter.start().has(2, 5, 100);
    idle = TestingRouter.start();
    operator = access.startOperator(server.namespace());
  }

  @AfterEach
  void stop() {
    operator.close();
    busy.close();
    idle.close();
    client.close();
  }

  @Test
  void the_replica_with_the_fewest_streams_is_the_cheapest_to_delete() {
    // given
    server.create();
    server.awaitReason("PodsPending");
    client.resource(server.get()).scale(2);
    soon()
        .untilAsserted(() -> assertThat(server.deployment().getSpec().getReplicas()).isEqualTo(2));
    pod("a-busy", busy);
    pod("b-idle", idle);
    server.awaitReason("RollingOut");
    assertThat(cost("a-busy")).isNull();

    // when
    client.resource(server.get()).scale(1);

    // then: the price is there before the controller hears that one pod must go
    soon()
        .untilAsserted(() -> assertThat(server.deployment().getSpec().getReplicas()).isEqualTo(1));
    assertThat(cost("a-busy")).isEqualTo("7");
    assertThat(cost("b-idle")).isNull();
  }

  @Test
  void the_budget_for_evictions_is_kept_and_removed_as_asked() {
    // given
    server.create();
    soon().untilAsserted(() -> assertThat(server.disruptionBudget()).isNotNull());
    assertThat(server.disruptionBudget().getSpec().getMaxUnavailable().getIntVal()).isEqualTo(1);

    // when
    server.patch("{\"spec\": {\"disruptionBudget\": {\"mode\": \"None\"}}}");

    // then
    soon().untilAsserted(() -> assertThat(server.disruptionBudget()).isNull());
  }

  private void pod(String name, TestingRouter router) {
    new TestingPod(client, server.namespace(), TestingServer.NAME, name)
        .create(PodLayout.STATUS_PORT, router.port())
        .routerIsReady();
  }

  private @Nullable String cost(String pod) {
    return client
        .pods()
        .inNamespace(server.namespace())
        .withName(pod)
        .require()
        .getMetadata()
        .getAnnotations()
        .get(COST);
  }
}
