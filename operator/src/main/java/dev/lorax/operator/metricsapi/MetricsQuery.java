package dev.lorax.operator.metricsapi;

import dev.lorax.operator.server.manifest.RouterMetric;
import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * A question for one metric of pods.
 *
 * @param pod name of a pod, or {@link #ALL} for those that the selector names
 * @param selector as API servers write label selectors; empty for all
 */
record MetricsQuery(String namespace, String pod, RouterMetric metric, String selector) {

  /** Where the group is found below an API server's address. */
  static final String ROOT = "/apis/custom.metrics.k8s.io/v1beta2";

  static final String ALL = "*";

  private static final Pattern PATH =
      Pattern.compile(Pattern.quote(ROOT) + "/namespaces/([^/]+)/pods/([^/]+)/([^/]+)");

  /** Empty where something else is asked for. */
  static Optional<MetricsQuery> parse(URI address) {
    // Decoded already: clients may write %2A for the star.
    Matcher parts = PATH.matcher(address.getPath());
    if (!parts.matches()) {
      return Optional.empty();
    }
    return Stream.of(RouterMetric.values())
        .filter(metric -> metric.metricName().equals(parts.group(3)))
        .findFirst()
        .map(metric -> new MetricsQuery(parts.group(1), parts.group(2), metric, selector(address)));
  }

  private static String selector(URI address) {
    String query = address.getRawQuery();
    return query == null
        ? ""
        : Stream.of(query.split("&"))
            .filter(parameter -> parameter.startsWith("labelSelector="))
            .map(parameter -> parameter.substring(parameter.indexOf('=') + 1))
            .map(value -> URLDecoder.decode(value, StandardCharsets.UTF_8))
            .findFirst()
            .orElse("");
  }
}
