package dev.lorax.router;

import static dev.lorax.router.TestingRouter.events;
import static dev.lorax.router.TestingRouter.json;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.lorax.router.http.WrongCertificateException;
import io.netty.pkitesting.CertificateBuilder;
import io.netty.pkitesting.CertificateBuilder.Algorithm;
import io.netty.pkitesting.X509Bundle;
import java.io.IOException;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLHandshakeException;
import javax.net.ssl.TrustManager;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** HTTPS, with a certificate that may be renewed or wrong. */
class TlsTest {
  private static final Duration SOON = Duration.ofSeconds(20);
  private static final String ASKED =
      "{\"inputs\": \"a\", \"parameters\": {\"max_new_tokens\": 4}}";

  @TempDir private Path directory;
  private ScriptedShard shard;

  @BeforeEach
  void start() throws Exception {
    shard = ScriptedShard.single(directory.resolve("shard"), ShardScript.PLAIN);
  }

  @AfterEach
  void stop() throws Exception {
    assertThat(shard.violations()).isEmpty();
    shard.close();
  }

  @ParameterizedTest
  @EnumSource(names = {"rsa2048", "ecp256", "ecp384"})
  void serves_with_keys_of_both_kinds(Algorithm algorithm) throws Exception {
    X509Bundle certificate = certificate(algorithm);
    write(certificate);
    try (var router = router();
        var client = client(certificate)) {
      var answer = ask(client, router, "/generate");

      assertThat(answer.statusCode()).isEqualTo(200);
      assertThat(json(answer).path("generated_text").asText()).isNotEmpty();
      // What clients of the plain port must ask for, those of this one are offered.
      assertThat(answer.version()).isEqualTo(HttpClient.Version.HTTP_2);
    }
  }

  @Test
  void streams() throws Exception {
    X509Bundle certificate = certificate(Algorithm.ecp256);
    write(certificate);
    try (var router = router();
        var client = client(certificate)) {
      assertThat(events(ask(client, router, "/generate_stream").body())).hasSize(4);
    }
  }

  @Test
  void shows_a_renewed_certificate_and_cuts_no_connection() throws Exception {
    X509Bundle before = certificate(Algorithm.ecp256);
    X509Bundle after = certificate(Algorithm.rsa2048);
    write(before);
    try (var router = router();
        var old = client(before)) {
      assertThat(ask(old, router, "/generate").statusCode()).isEqualTo(200);

      // Between the two files the pair does not fit, and then it does.
      Files.writeString(certificateFile(), after.getCertificatePathPEM());
      assertThat(ask(old, router, "/generate").statusCode()).isEqualTo(200);
      Files.writeString(keyFile(), after.getPrivateKeyPEM());

      await()
          .atMost(SOON)
          .ignoreException(SSLHandshakeException.class)
          .untilAsserted(() -> {
            try (var fresh = client(after)) {
              assertThat(ask(fresh, router, "/generate").statusCode()).isEqualTo(200);
            }
          });
      assertThat(ask(old, router, "/generate").statusCode()).isEqualTo(200);
      try (var stranger = client(before)) {
        assertThatThrownBy(() -> ask(stranger, router, "/generate"))
            .isInstanceOf(SSLHandshakeException.class);
      }
    }
  }

  @Test
  void hangs_up_on_clients_that_speak_plain_http() throws Exception {
    write(certificate(Algorithm.ecp256));
    try (var router = router();
        var socket = new Socket("127.0.0.1", router.process().port())) {
      socket.setSoTimeout((int) SOON.toMillis());
      socket
          .getOutputStream()
          .write("GET /health HTTP/1.1\r\n\r\n".getBytes(StandardCharsets.US_ASCII));

      assertThat(new String(socket.getInputStream().readAllBytes(), StandardCharsets.US_ASCII))
          .doesNotContain("HTTP/1.1");
    }
  }

  @Test
  void does_not_start_with_a_certificate_that_nobody_could_check() throws Exception {
    X509Bundle certificate = certificate(Algorithm.ecp256);
    X509Bundle other = certificate(Algorithm.ecp256);

    assertRefused("expected a certificate at " + certificateFile() + ", got none");

    Files.writeString(certificateFile(), certificate.getCertificatePathPEM());
    assertRefused("expected the key of the certificate at " + keyFile() + ", got none");

    Files.writeString(keyFile(), "not PEM");
    assertRefused("are no certificate and its key in PEM");

    Files.writeString(keyFile(), other.getPrivateKeyPEM());
    assertRefused("is not the key of the first certificate in " + certificateFile());

    Files.writeString(keyFile(), certificate(Algorithm.rsa2048).getPrivateKeyPEM());
    assertRefused("are no certificate and its key in PEM");
  }

  @Test
  void wants_both_files_or_neither() {
    assertThatThrownBy(() -> start("--tls-cert-file", certificateFile().toString()))
        .hasMessageContaining("--tls-cert-file: expected --tls-key-file as well, got none");
    assertThatThrownBy(() -> start("--tls-key-file", keyFile().toString()))
        .hasMessageContaining("--tls-key-file: expected --tls-cert-file as well, got none");
  }

  private void assertRefused(String sentence) {
    assertThatThrownBy(this::router)
        .isInstanceOf(WrongCertificateException.class)
        .hasMessageStartingWith("TLS: ")
        .hasMessageContaining(sentence);
  }

  private TestingRouter router() throws Exception {
    return start(
        "--tls-cert-file", certificateFile().toString(), "--tls-key-file", keyFile().toString());
  }

  private TestingRouter start(String... options) throws Exception {
    return TestingRouter.start(directory.resolve("shard-0"), options);
  }

  private Path certificateFile() {
    return directory.resolve("tls.crt");
  }

  private Path keyFile() {
    return directory.resolve("tls.key");
  }

  private void write(X509Bundle certificate) throws IOException {
    Files.writeString(certificateFile(), certificate.getCertificatePathPEM());
    Files.writeString(keyFile(), certificate.getPrivateKeyPEM());
  }

  private static X509Bundle certificate(Algorithm algorithm) throws Exception {
    return new CertificateBuilder()
        .algorithm(algorithm)
        .subject("CN=lorax")
        .addSanIpAddress("127.0.0.1")
        .setIsCertificateAuthority(true)
        .buildSelfSigned();
  }

  private static HttpClient client(X509Bundle trusted) throws Exception {
    var context = SSLContext.getInstance("TLS");
    context.init(null, new TrustManager[] {trusted.toTrustManager()}, null);
    return HttpClient.newBuilder().sslContext(context).build();
  }

  private static HttpResponse<String> ask(HttpClient client, TestingRouter router, String path)
      throws Exception {
    var uri = URI.create("https://127.0.0.1:%d%s".formatted(router.process().port(), path));
    var request =
        HttpRequest.newBuilder(uri)
            .header("content-type", "application/json")
            .timeout(SOON)
            .POST(HttpRequest.BodyPublishers.ofString(ASKED))
            .build();
    return client.send(request, BodyHandlers.ofString());
  }
}
