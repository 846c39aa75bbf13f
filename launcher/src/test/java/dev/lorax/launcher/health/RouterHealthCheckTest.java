package dev.lorax.launcher.health;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import dev.lorax.launcher.socket.UnixSockets;
import io.netty.pkitesting.CertificateBuilder;
import io.netty.pkitesting.X509Bundle;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.time.Duration;
import javax.net.ssl.SSLContext;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class RouterHealthCheckTest {

  private static final Duration PATIENCE = Duration.ofSeconds(30);

  private final UnixSockets sockets = new UnixSockets();

  private Health ask(int port, Duration deadline) {
    return ask("http", port, deadline);
  }

  private Health ask(String scheme, int port, Duration deadline) {
    var health = URI.create("%s://127.0.0.1:%d/health".formatted(scheme, port));
    try (sockets;
        var check = new HealthChecks(sockets).router(health)) {
      return check.ask(deadline).join();
    }
  }

  @ParameterizedTest
  @CsvSource({"200, Ready", "503, Alive", "404, Alive", "307, Alive"})
  void any_answer_is_a_sign_of_life_and_200_of_readiness(int status, String health)
      throws IOException {
    // given
    var loopback = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
    var server = HttpServer.create(loopback, 0);
    server.createContext(
        "/health",
        exchange -> {
          try (exchange) {
            exchange.getResponseHeaders().add("Location", "http://127.0.0.1:1/");
            exchange.sendResponseHeaders(status, 0);
            exchange.getResponseBody().write("said at length".getBytes());
          }
        });
    server.start();

    // when
    Health heard = ask(server.getAddress().getPort(), PATIENCE);
    server.stop(0);

    // then
    assertThat(heard.getClass().getSimpleName()).isEqualTo(health);
  }

  @Test
  void a_router_may_show_a_certificate_for_the_hosts_that_clients_know() throws Exception {
    // given
    X509Bundle certificate =
        new CertificateBuilder()
            .ecp256()
            .subject("CN=models.example.org")
            .addSanDnsName("models.example.org")
            .setIsCertificateAuthority(true)
            .buildSelfSigned();
    var context = SSLContext.getInstance("TLS");
    context.init(certificate.toKeyManagerFactory().getKeyManagers(), null, null);
    var server = HttpsServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setHttpsConfigurator(new HttpsConfigurator(context));
    server.createContext(
        "/health",
        exchange -> {
          try (exchange) {
            exchange.sendResponseHeaders(200, -1);
          }
        });
    server.start();

    // when
    Health heard = ask("https", server.getAddress().getPort(), PATIENCE);
    server.stop(0);

    // then
    assertThat(heard).isInstanceOf(Health.Ready.class);
  }

  @Test
  void a_port_where_nobody_listens_is_silent_at_once() throws IOException {
    // given
    int port;
    try (var server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = server.getLocalPort();
    }

    // then
    assertThat(ask(port, PATIENCE))
        .isInstanceOfSatisfying(
            Health.Silent.class, silent -> assertThat(silent.toString()).contains("refused"));
  }

  @Test
  void one_who_accepts_and_says_nothing_is_silent_at_the_deadline() throws IOException {
    try (var server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      assertThat(ask(server.getLocalPort(), Duration.ofMillis(200)))
          .isInstanceOf(Health.Silent.class);
    }
  }
}
