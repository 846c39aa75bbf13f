package dev.lorax.launcher.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.CertificateException;
import java.util.ArrayList;
import java.util.List;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLHandshakeException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A server whose certificate nobody in the world has signed. */
final class CertificateAuthoritiesTest {

  private static final String PASSWORD = "of no importance";

  @TempDir Path folder;
  private HttpsServer server;
  private Path bundle;

  @BeforeEach
  void startServer() throws Exception {
    Path store = folder.resolve("server.p12");
    keytool(store, "-genkeypair", "-keyalg", "EC", "-dname", "CN=hub", "-ext", "SAN=ip:127.0.0.1");
    bundle = folder.resolve("bundle.pem");
    keytool(store, "-exportcert", "-rfc", "-file", bundle.toString());
    Files.writeString(bundle, "# Issuer: ours -- not yours\n" + Files.readString(bundle));

    var keys = KeyStore.getInstance(store.toFile(), PASSWORD.toCharArray());
    var managers = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    managers.init(keys, PASSWORD.toCharArray());
    var context = SSLContext.getInstance("TLS");
    context.init(managers.getKeyManagers(), null, null);
    server = HttpsServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setHttpsConfigurator(new HttpsConfigurator(context));
    server.createContext(
        "/",
        exchange -> {
          try (exchange) {
            exchange.sendResponseHeaders(200, -1);
          }
        });
    server.start();
  }

  @AfterEach
  void stopServer() {
    server.stop(0);
  }

  @Test
  void the_certificates_of_the_file_are_trusted() throws Exception {
    // given
    CertificateAuthorities authorities = CertificateAuthorities.read(bundle);

    // when
    int status = get(HttpClient.newBuilder().sslContext(authorities.sslContext()));

    // then
    assertThat(status).isEqualTo(200);
    assertThatThrownBy(() -> get(HttpClient.newBuilder()))
        .isInstanceOf(SSLHandshakeException.class);
  }

  @Test
  void a_file_without_certificates_is_refused() throws Exception {
    Path file = Files.writeString(folder.resolve("empty.pem"), "no certificate here\n");
    assertThatThrownBy(() -> CertificateAuthorities.read(file))
        .isInstanceOf(CertificateException.class);
  }

  @Test
  void a_file_that_was_cut_off_is_refused() throws Exception {
    String whole = Files.readString(bundle);
    Path file = Files.writeString(bundle, whole.substring(0, whole.length() - 40));
    assertThatThrownBy(() -> CertificateAuthorities.read(file))
        .isInstanceOf(CertificateException.class);
  }

  @Test
  void a_certificate_that_nobody_can_read_is_named_when_it_is_needed() throws Exception {
    // given
    String broken = "-----BEGIN CERTIFICATE-----\nbm90IG9uZQ==\n-----END CERTIFICATE-----\n";
    Path file = Files.writeString(bundle, Files.readString(bundle) + broken);

    // when
    CertificateAuthorities authorities = CertificateAuthorities.read(file);

    // then
    assertThatThrownBy(authorities::sslContext)
        .isInstanceOf(UnreadableCertificateException.class)
        .hasMessageContaining("certificate 2 of 2 in " + file);
  }

  private int get(HttpClient.Builder builder) throws IOException, InterruptedException {
    URI uri = URI.create("https://127.0.0.1:%d/".formatted(server.getAddress().getPort()));
    try (var client = builder.build()) {
      return client
          .send(HttpRequest.newBuilder(uri).build(), HttpResponse.BodyHandlers.discarding())
          .statusCode();
    }
  }

  private static void keytool(Path store, String... words) throws Exception {
    Path program = Path.of(System.getProperty("java.home"), "bin", "keytool");
    List<String> line = new ArrayList<>(List.of(program.toString()));
    line.addAll(List.of(words));
    line.addAll(List.of("-keystore", store.toString(), "-storepass", PASSWORD, "-alias", "hub"));
    Process process = new ProcessBuilder(line).redirectErrorStream(true).start();
    String said = new String(process.getInputStream().readAllBytes());
    assertThat(process.waitFor()).as(said).isZero();
  }
}
