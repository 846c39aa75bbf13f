package dev.lorax.operator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.lorax.operator.metricsapi.MetricsApi;
import dev.lorax.operator.server.plan.PodLayout;
import io.fabric8.kubernetes.api.model.ConfigMapBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import javax.net.ssl.HttpsURLConnection;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/**
 * The metrics for autoscalers, asked as Kubernetes' API server asks: with a certificate of the
 * authority that it publishes. That a real one comes through and a real autoscaler makes sense of
 * the answers is shown on a whole cluster.
 */
@ExtendWith(TestingApiServer.class)
final class MetricsApiIT {

  private static final String QUEUE = "/pods/%2A/lorax_queue_length?labelSelector=";
  private static final String OF_DEMO =
      "app.kubernetes.io%2Finstance%3Ddemo%2Capp.kubernetes.io%2Fname%3Dlorax-server";

  @TempDir Path tls;

  private KubernetesClient client;
  private LoraxOperator operator;
  private MetricsApi api;
  private TestingServer server;
  private TestingRouter router;
  private TestingCertificate own;
  private TestingCertificate frontProxy;

  @BeforeEach
  void start(TestingApiServer.Access access) throws IOException {
    client = access.client();
    server = new TestingServer(client, access.namespace());
    router = TestingRouter.start().has(3, 2, 250);
    own = TestingCertificate.make();
    frontProxy = TestingCertificate.make();
    Files.writeString(tls.resolve("tls.crt"), own.certificate());
    Files.writeString(tls.resolve("tls.key"), own.key());
    publish(frontProxy);
    operator = access.startOperator(server.namespace());
    api = MetricsApi.start(0, tls, client, Clock.systemUTC());
  }

  @AfterEach
  void stop() {
    api.close();
    operator.close();
    router.close();
    client.close();
  }

  @Test
  void tells_the_load_of_each_router() throws IOException {
    // given
    server.create();
    server.awaitReason("PodsPending");
    new TestingPod(client, server.namespace(), TestingServer.NAME, "answers")
        .create(PodLayout.STATUS_PORT, router.port())
        .routerIsReady();

    // when
    JsonNode waiting = ask(QUEUE + OF_DEMO);
    JsonNode cache = ask("/pods/answers/lorax_kv_cache_utilization");

    // then
    assertThat(waiting.get("kind").asText()).isEqualTo("MetricValueList");
    assertThat(waiting.get("items")).hasSize(1);
    JsonNode item = waiting.get("items").get(0);
    assertThat(item.at("/describedObject/name").asText()).isEqualTo("answers");
    assertThat(item.at("/metric/name").asText()).isEqualTo("lorax_queue_length");
    assertThat(item.get("value").asText()).isEqualTo("3000m");
    assertThat(cache.get("items").get(0).get("value").asText()).isEqualTo("250m");
  }

  @Test
  void leaves_out_routers_that_do_not_answer_and_pods_of_others() throws IOException {
    // given
    server.create();
    server.awaitReason("PodsPending");
    int nobody = router.port();
    router.close();
    new TestingPod(client, server.namespace(), TestingServer.NAME, "silent")
        .create(PodLayout.STATUS_PORT, nobody)
        .routerIsReady();

    // then
    assertThat(ask(QUEUE + OF_DEMO).get("items")).isEmpty();
    assertThat(ask(QUEUE + "app%3Dother").get("items")).isEmpty();
  }

  @Test
  void says_which_metrics_there_are_and_that_others_are_not() throws IOException {
    // when
    JsonNode resources = new ObjectMapper().readTree(get("", frontProxy).getInputStream());
    var unknown = get(path("/pods/%2A/cpu"), frontProxy);

    // then
    assertThat(resources.get("groupVersion").asText()).isEqualTo("custom.metrics.k8s.io/v1beta2");
    assertThat(resources.get("resources").findValuesAsText("name"))
        .containsExactly(
            "pods/lorax_queue_length",
            "pods/lorax_batch_current_size",
            "pods/lorax_kv_cache_utilization");
    assertThat(unknown.getResponseCode()).isEqualTo(404);
  }

  @Test
  void lets_in_only_whom_the_api_server_has_a_certificate_for() {
    assertThatThrownBy(() -> get("", null).getResponseCode()).isInstanceOf(IOException.class);
    assertThatThrownBy(() -> get("", TestingCertificate.make()).getResponseCode())
        .isInstanceOf(IOException.class);
  }

  @Test
  void refuses_a_name_that_the_api_server_does_not_use() throws IOException {
    // given
    publish(frontProxy, "[\"somebody-else\"]");
    try (var strict = MetricsApi.start(0, tls, client, Clock.systemUTC())) {

      // then
      assertThatThrownBy(() -> get(strict.port(), "", frontProxy).getResponseCode())
          .isInstanceOf(IOException.class);
    } finally {
      publish(frontProxy);
    }
  }

  private JsonNode ask(String path) throws IOException {
    return new ObjectMapper().readTree(get(path(path), frontProxy).getInputStream());
  }

  private String path(String path) {
    return "/namespaces/" + server.namespace() + path;
  }

  private HttpsURLConnection get(String path, @Nullable TestingCertificate client)
      throws IOException {
    return get(api.port(), path, client);
  }

  private HttpsURLConnection get(int port, String path, @Nullable TestingCertificate client)
      throws IOException {
    var address =
        URI.create(
            "https://127.0.0.1:%d/apis/custom.metrics.k8s.io/v1beta2%s".formatted(port, path));
    var connection = (HttpsURLConnection) address.toURL().openConnection();
    connection.setSSLSocketFactory(own.clientContext(client).getSocketFactory());
    // The certificate is for the name of a Service, which only the API server resolves.
    connection.setHostnameVerifier((host, session) -> true);
    return connection;
  }

  private void publish(TestingCertificate authority) {
    publish(authority, "[\"%s\"]".formatted(TestingCertificate.NAME));
  }

  private void publish(TestingCertificate authority, String names) {
    client
        .resource(
            new ConfigMapBuilder()
                .withNewMetadata()
                .withNamespace("kube-system")
                .withName("extension-apiserver-authentication")
                .endMetadata()
                .addToData("requestheader-client-ca-file", authority.authority())
                .addToData("requestheader-allowed-names", names)
                .build())
        .forceConflicts()
        .serverSideApply();
  }
}
