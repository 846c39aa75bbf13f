package dev.lorax.launcher.hub;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lorax.launcher.config.ProxyConfig;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.URI;
import java.util.List;
import org.junit.jupiter.api.Test;

final class ProxiesTest {

  private static final ProxyConfig CONFIG =
      new ProxyConfig(
          URI.create("http://plain:3128"),
          URI.create("http://someone:secret@secure:3129"),
          List.of("localhost", ".cluster.local", "example.com:443"));

  private static Proxy proxyFor(String address) {
    return new Proxies(CONFIG).select(URI.create(address)).getFirst();
  }

  @Test
  void chooses_by_the_scheme_of_the_address() {
    assertThat(((InetSocketAddress) proxyFor("http://hub").address()).getHostString())
        .isEqualTo("plain");
    assertThat(((InetSocketAddress) proxyFor("https://hub").address()).getPort()).isEqualTo(3129);
  }

  @Test
  void reaches_hosts_of_no_proxy_directly() {
    assertThat(proxyFor("http://localhost:8080")).isEqualTo(Proxy.NO_PROXY);
    assertThat(proxyFor("http://hub.models.svc.cluster.local")).isEqualTo(Proxy.NO_PROXY);
    assertThat(proxyFor("https://example.com")).isEqualTo(Proxy.NO_PROXY);
    assertThat(proxyFor("https://cdn.example.com")).isEqualTo(Proxy.NO_PROXY);
    assertThat(proxyFor("https://notexample.com")).isNotEqualTo(Proxy.NO_PROXY);
  }

  @Test
  void tells_no_password() {
    assertThat(CONFIG.toString()).doesNotContain("secret").contains("secure:3129");
  }
}
