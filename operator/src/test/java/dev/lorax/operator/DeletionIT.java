package dev.lorax.operator;

import static dev.lorax.operator.TestingServer.soon;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.lorax.crds.v1alpha1.LoraxServer;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.http.BasicBuilder;
import io.fabric8.kubernetes.client.http.HttpRequest;
import io.fabric8.kubernetes.client.http.Interceptor;
import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * A server is deleted, and its objects are seen to go before the server is: each kind has a watch
 * of its own, and the one of the servers may lag behind.
 */
@ExtendWith(TestingApiServer.class)
final class DeletionIT {

  private KubernetesClient client;
  private TestingServer server;
  private LoraxOperator operator;

  @BeforeEach
  void start(TestingApiServer.Access access) throws IOException {
    client = access.client();
    server = new TestingServer(client, access.namespace());
    server.create();
    operator = access.startOperator(server.namespace(), new NoNewsOfServers());
    server.awaitReason("PodsPending");
  }

  @AfterEach
  void stop() {
    operator.close();
    client.close();
  }

  @Test
  void what_a_deleted_server_owned_is_not_made_anew() {
    // given: a server that was deleted, which the operator has not heard of
    client.resource(server.get()).delete();

    // when: as the garbage collector does
    client.resource(server.deployment()).delete();
    client.resource(server.service()).delete();

    // then
    await()
        .during(Duration.ofSeconds(3))
        .atMost(Duration.ofSeconds(6))
        .until(() -> server.deployment() == null && server.service() == null);
  }

  @Test
  void what_somebody_deletes_of_a_server_that_is_wanted_is_made_anew() {
    // when
    client.resource(server.deployment()).delete();

    // then
    soon().untilAsserted(() -> assertThat(server.deployment()).isNotNull());
  }

  /** Lets servers be listed and lets no watch of them tell anything, so that all news is late. */
  private static final class NoNewsOfServers implements Interceptor {

    @Override
    public void before(BasicBuilder request, HttpRequest original, RequestTags tags) {
      URI uri = original.uri();
      String query = uri.getRawQuery();
      if (uri.getPath().endsWith("/" + LoraxServer.PLURAL)
          && query != null
          && query.contains("watch=true")) {
        request.uri(URI.create(uri + "&fieldSelector=metadata.name%3Dnobody"));
      }
    }
  }
}
