package dev.lorax.e2e.story;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.lorax.e2e.cluster.PortForward;
import io.netty.pkitesting.CertificateBuilder;
import io.netty.pkitesting.X509Bundle;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.Map;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLHandshakeException;
import javax.net.ssl.TrustManager;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;

/** A server with weights in 8 bits, asked by HTTPS, by those who have a key. */
@Order(5)
@ExtendWith(StoryExtension.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class AccessE2E {

  private static final String NAME = "guarded";
  private static final Duration SOON = Duration.ofMinutes(3);
  private static final Duration READY_DEADLINE = Duration.ofMinutes(5);

  /** Kubelet looks at Secrets about once in a minute. */
  private static final Duration RENEWAL_DEADLINE = Duration.ofMinutes(3);

  /** Of {@code foo}, as the documentation has it. */
  private static final String KEYS =
      """
      {"keys": [{"name": "search", "adapters": ["sql"],
        "sha256": "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"}]}
      """;

  private final World world;
  private final Replica replica;
  private final X509Bundle first;
  private final X509Bundle renewed;
  private @Nullable PortForward forward;

  AccessE2E(World world) throws Exception {
    this.world = world;
    this.first = certificate();
    this.renewed = certificate();
    this.replica = new Replica(world, NAME);
  }

  @AfterAll
  void delete() {
    world.kubectl("delete", "loraxserver", NAME, "--ignore-not-found");
    world.kubectl("delete", "secret", "tenants", "guarded-tls", "--ignore-not-found");
  }

  @Test
  @Order(1)
  void without_the_keys_nobody_gets_in_and_the_condition_says_why() {
    // when
    world.apply("access.yaml");

    // then
    await()
        .atMost(SOON)
        .untilAsserted(() -> {
          assertThat(replica.ready().getReason()).isEqualTo("WrongApiKeys");
          assertThat(replica.ready().getMessage()).contains("API keys: expected a file");
        });
  }

  @Test
  @Order(2)
  void without_the_certificate_nobody_gets_in_either() {
    // when
    world.secret("tenants", Map.of("keys.json", KEYS));

    // then
    await()
        .atMost(SOON)
        .untilAsserted(() -> {
          assertThat(replica.ready().getReason()).isEqualTo("WrongCertificate");
          assertThat(replica.ready().getMessage()).contains("TLS: expected a certificate");
        });
  }

  @Test
  @Order(3)
  void once_both_secrets_are_there_the_server_becomes_ready() {
    // given
    String before = replica.uid();

    // when
    show(first);

    // then
    await().atMost(READY_DEADLINE).untilAsserted(replica::assertReady);
    assertThat(replica.uid()).isEqualTo(before);
  }

  @Test
  @Order(4)
  void a_key_opens_the_base_model_and_its_own_adapters() throws Exception {
    try (var client = client(first)) {
      assertThat(ask(client, "", null)).isEqualTo(401);
      assertThat(ask(client, "", "bar")).isEqualTo(401);
      assertThat(ask(client, "", "foo")).isEqualTo(200);
      assertThat(ask(client, "sql", "foo")).isEqualTo(200);
      assertThat(ask(client, "pirate", "foo")).isEqualTo(403);
    }
  }

  @Test
  @Order(5)
  void autoscalers_see_its_queue() {
    assertThat(world.podMetric("lorax_queue_length"))
        .contains(replica.pod().getMetadata().getName());
  }

  @Test
  @Order(6)
  void a_renewed_certificate_is_shown_without_a_restart() throws Exception {
    // given
    String before = replica.uid();
    var restarts = replica.restarts();

    // when
    show(renewed);

    // then
    try (var client = client(renewed)) {
      await()
          .atMost(RENEWAL_DEADLINE)
          .ignoreException(SSLHandshakeException.class)
          .untilAsserted(() -> assertThat(ask(client, "", "foo")).isEqualTo(200));
    }
    assertThat(replica.uid()).isEqualTo(before);
    assertThat(replica.restarts()).isEqualTo(restarts);
  }

  private void show(X509Bundle certificate) {
    world.secret(
        "guarded-tls",
        Map.of(
            "tls.crt",
            certificate.getCertificatePathPEM(),
            "tls.key",
            certificate.getPrivateKeyPEM()));
  }

  /** For the address that a forwarded port has on this machine. */
  private static X509Bundle certificate() throws Exception {
    return new CertificateBuilder()
        .ecp256()
        .subject("CN=guarded")
        .addSanIpAddress("127.0.0.1")
        .setIsCertificateAuthority(true)
        .buildSelfSigned();
  }

  private static HttpClient client(X509Bundle trusted) throws Exception {
    var context = SSLContext.getInstance("TLS");
    context.init(null, new TrustManager[] {trusted.toTrustManager()}, null);
    return HttpClient.newBuilder().sslContext(context).build();
  }

  private int ask(HttpClient client, String adapter, @Nullable String key)
      throws IOException, InterruptedException {
    String body =
        """
        {"inputs": "Once upon a time", "parameters": {"max_new_tokens": 4%s}}
        """
            .formatted(adapter.isEmpty() ? "" : ", \"adapter_id\": \"%s\"".formatted(adapter));
    if (forward == null) {
      forward = world.forward("service/" + NAME, 3000);
    }
    URI server = URI.create("https://127.0.0.1:%d/generate".formatted(forward.url().getPort()));
    var request =
        HttpRequest.newBuilder(server)
            .header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString(body));
    if (key != null) {
      request.header("Authorization", "Bearer " + key);
    }
    return client.send(request.build(), HttpResponse.BodyHandlers.ofString()).statusCode();
  }
}
