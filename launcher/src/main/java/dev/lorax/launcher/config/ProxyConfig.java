package dev.lorax.launcher.config;

import java.net.URI;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Proxies as {@code HTTP_PROXY}, {@code HTTPS_PROXY}, {@code ALL_PROXY} and {@code NO_PROXY} say.
 *
 * @param http for {@code http://} addresses, null for none
 * @param https for {@code https://} addresses, null for none
 * @param noProxy hosts, domains and suffixes that are reached directly; {@code *} is all
 */
public record ProxyConfig(@Nullable URI http, @Nullable URI https, List<String> noProxy) {

  public static final ProxyConfig NONE = new ProxyConfig(null, null, List.of());

  public ProxyConfig {
    noProxy = List.copyOf(noProxy);
  }

  /** Tells no credentials, which may stand in the addresses. */
  @Override
  public String toString() {
    return "ProxyConfig[http=%s, https=%s, noProxy=%s]".formatted(host(http), host(https), noProxy);
  }

  private static String host(@Nullable URI proxy) {
    return proxy == null ? "none" : proxy.getHost() + ":" + proxy.getPort();
  }
}
