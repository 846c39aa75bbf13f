package dev.lorax.operator;

import static dev.lorax.operator.TestingServer.soon;
import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.api.model.ContainerBuilder;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.api.model.apps.DeploymentBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import java.io.IOException;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** An object of a server and what it shall be come apart, on either side. */
@ExtendWith(TestingApiServer.class)
final class DriftIT {

  private static final String ADDED = "sidecar-of-somebody";

  private KubernetesClient client;
  private TestingServer server;
  private LoraxOperator operator;

  @BeforeEach
  void start(TestingApiServer.Access access) throws IOException {
    client = access.client();
    server = new TestingServer(client, access.namespace());
    server.create();
    operator = access.startOperator(server.namespace());
    server.awaitReason("PodsPending");
  }

  @AfterEach
  void stop() {
    operator.close();
    client.close();
  }

  @Test
  void what_somebody_changes_is_set_back_and_what_they_add_stays() {
    // given
    int replicas = server.deployment().getSpec().getReplicas();

    // when
    edit(deployment ->
        new DeploymentBuilder(deployment)
            .editSpec()
            .withReplicas(replicas + 5)
            .editTemplate()
            .editSpec()
            .addToContainers(0, new ContainerBuilder().withName(ADDED).withImage("proxy").build())
            .endSpec()
            .endTemplate()
            .endSpec()
            .build());

    // then
    soon()
        .untilAsserted(
            () -> assertThat(server.deployment().getSpec().getReplicas()).isEqualTo(replicas));
    assertThat(server.deployment().getSpec().getTemplate().getSpec().getContainers())
        .extracting("name")
        .contains(ADDED, "router");
  }

  @Test
  void what_a_spec_wants_no_more_goes() {
    // given
    server.patch("{\"spec\": {\"podTemplate\": {\"nodeSelector\": {\"pool\": \"old\"}}}}");
    soon().untilAsserted(() -> assertThat(nodeSelector()).isEqualTo(Map.of("pool", "old")));

    // when
    server.patch("{\"spec\": {\"podTemplate\": null}}");

    // then
    soon().untilAsserted(() -> assertThat(nodeSelector()).isEmpty());
  }

  private Map<String, String> nodeSelector() {
    return server.deployment().getSpec().getTemplate().getSpec().getNodeSelector();
  }

  private void edit(UnaryOperator<Deployment> change) {
    client.resource(server.deployment()).edit(change);
  }
}
