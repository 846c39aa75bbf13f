package dev.lorax.launcher.hub;

import dev.lorax.launcher.config.ProxyConfig;
import java.io.IOException;
import java.net.Authenticator;
import java.net.InetSocketAddress;
import java.net.PasswordAuthentication;
import java.net.Proxy;
import java.net.ProxySelector;
import java.net.SocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Chooses a proxy as curl does. */
final class Proxies extends ProxySelector {

  private final ProxyConfig config;

  Proxies(ProxyConfig config) {
    this.config = config;
  }

  static HttpClient.Builder configure(HttpClient.Builder client, ProxyConfig config) {
    client.proxy(new Proxies(config));
    boolean credentials =
        Stream.of(config.http(), config.https())
            .anyMatch(proxy -> proxy != null && proxy.getUserInfo() != null);
    return credentials ? client.authenticator(new ProxyPassword(config)) : client;
  }

  @Override
  public List<Proxy> select(URI uri) {
    URI proxy = "https".equalsIgnoreCase(uri.getScheme()) ? config.https() : config.http();
    return List.of(
        proxy == null || isDirect(uri.getHost())
            ? Proxy.NO_PROXY
            : new Proxy(Proxy.Type.HTTP, new InetSocketAddress(proxy.getHost(), proxy.getPort())));
  }

  /** {@code example.com} and {@code .example.com} both mean the domain and all below it. */
  private boolean isDirect(@Nullable String host) {
    if (host == null) {
      return true;
    }
    String name = host.toLowerCase(Locale.ROOT);
    return config.noProxy().stream()
        .map(entry -> entry.toLowerCase(Locale.ROOT).replaceAll("^\\*?\\.|:\\d+$", ""))
        .anyMatch(entry -> entry.equals("*") || name.equals(entry) || name.endsWith("." + entry));
  }

  @Override
  public void connectFailed(URI uri, SocketAddress address, IOException failure) {
    // The request itself fails with the same reason.
  }

  /** Tells a proxy, and nobody else, the name and password in its address. */
  private static final class ProxyPassword extends Authenticator {

    private final ProxyConfig config;

    ProxyPassword(ProxyConfig config) {
      this.config = config;
    }

    @Override
    protected @Nullable PasswordAuthentication getPasswordAuthentication() {
      if (getRequestorType() != RequestorType.PROXY) {
        return null;
      }
      for (var proxy : Arrays.asList(config.https(), config.http())) {
        if (proxy != null
            && proxy.getUserInfo() != null
            && proxy.getHost().equals(getRequestingHost())) {
          String[] parts = proxy.getUserInfo().split(":", 2);
          String password = parts.length > 1 ? parts[1] : "";
          return new PasswordAuthentication(parts[0], password.toCharArray());
        }
      }
      return null;
    }
  }
}
