package dev.lorax.launcher.config;

import dev.lorax.options.Environment;
import dev.lorax.options.Problems;
import java.net.URI;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Reads the variables for proxies as curl does: lower case goes before upper case. */
final class ProxyVariables {

  private static final int DEFAULT_PORT = 80;

  private final Environment environment;
  private final Problems problems;

  ProxyVariables(Environment environment, Problems problems) {
    this.environment = environment;
    this.problems = problems;
  }

  ProxyConfig read() {
    String direct = environment.first("no_proxy", "NO_PROXY");
    List<String> noProxy =
        Arrays.stream((direct == null ? "" : direct).split(","))
            .map(String::strip)
            .filter(host -> !host.isEmpty())
            .toList();
    return new ProxyConfig(
        proxy("http_proxy", "HTTP_PROXY"), proxy("https_proxy", "HTTPS_PROXY"), noProxy);
  }

  private @Nullable URI proxy(String lower, String upper) {
    String value = environment.first(lower, upper, "all_proxy", "ALL_PROXY");
    if (value == null) {
      return null;
    }
    try {
      URI proxy = URI.create(value.contains("://") ? value : "http://" + value);
      if (proxy.getHost() != null && "http".equals(proxy.getScheme())) {
        return proxy.getPort() >= 0
            ? proxy
            : URI.create("http://%s:%d".formatted(proxy.getRawAuthority(), DEFAULT_PORT));
      }
    } catch (IllegalArgumentException e) {
      // Told below, as any other wrong address; the value is not, as it may hold a password.
    }
    problems.add(
        "%s: expected the address of an HTTP proxy such as http://host:port".formatted(upper));
    return null;
  }
}
