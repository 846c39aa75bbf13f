package dev.lorax.operator.metricsapi;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsParameters;
import com.sun.net.httpserver.HttpsServer;
import dev.lorax.operator.log.LogKeys;
import dev.lorax.operator.server.manifest.RouterMetric;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The server behind the APIService. It lets in nobody but Kubernetes' API server, which has checked
 * who asks and whether they may; see {@link FrontProxy}. Closing it twice is harmless.
 */
public final class MetricsApi implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(MetricsApi.class);

  private final HttpsServer server;
  private final ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor();
  private final ServingIdentity identity;
  private final ObjectMapper json = new ObjectMapper();
  private final PodMetrics metrics;

  private MetricsApi(HttpsServer server, ServingIdentity identity, PodMetrics metrics) {
    this.server = server;
    this.identity = identity;
    this.metrics = metrics;
  }

  /**
   * Listens on {@code port}, 0 for any free one.
   *
   * @param tls folder with {@code tls.crt} and {@code tls.key}, which may be replaced at any time
   */
  public static MetricsApi start(int port, Path tls, KubernetesClient client, InstantSource clock)
      throws IOException {
    var identity = ServingIdentity.start(tls, new FrontProxy(client));
    HttpsServer server = HttpsServer.create(new InetSocketAddress(port), 0);
    server.setHttpsConfigurator(
        new HttpsConfigurator(identity.context()) {
          @Override
          public void configure(HttpsParameters parameters) {
            var wanted = getSSLContext().getDefaultSSLParameters();
            wanted.setNeedClientAuth(true);
            parameters.setSSLParameters(wanted);
          }
        });
    var api = new MetricsApi(server, identity, new PodMetrics(client, clock));
    server.setExecutor(api.executor);
    server.createContext("/", api::answer);
    server.start();
    LOG.atInfo().addKeyValue(LogKeys.PORT, api.port()).log("metrics API started");
    return api;
  }

  public int port() {
    return server.getAddress().getPort();
  }

  @Override
  public void close() {
    server.stop(0);
    executor.shutdownNow();
    identity.close();
  }

  private void answer(HttpExchange exchange) throws IOException {
    try (exchange) {
      var address = exchange.getRequestURI();
      if (address.getPath().equals(MetricsQuery.ROOT)) {
        send(exchange, 200, resources());
        return;
      }
      Optional<MetricsQuery> query = MetricsQuery.parse(address);
      if (query.isEmpty()) {
        send(exchange, 404, failure(404, "NotFound", "no such metric: " + address.getPath()));
        return;
      }
      answer(exchange, query.get());
    }
  }

  private void answer(HttpExchange exchange, MetricsQuery query) throws IOException {
    try {
      send(exchange, 200, metrics.answer(query));
    } catch (KubernetesClientException e) {
      LOG.atWarn()
          .addKeyValue(LogKeys.NAMESPACE, query.namespace())
          .setCause(e)
          .log("pods could not be listed for a metric");
      int status = e.getCode() == 403 ? 403 : 503;
      send(
          exchange,
          status,
          failure(
              status,
              status == 403 ? "Forbidden" : "ServiceUnavailable",
              "pods of namespace %s cannot be listed: %s"
                  .formatted(query.namespace(), e.getMessage())));
    }
  }

  private void send(HttpExchange exchange, int status, Map<String, Object> body)
      throws IOException {
    byte[] bytes = bytes(body);
    exchange.getResponseHeaders().set("Content-Type", "application/json");
    exchange.sendResponseHeaders(status, bytes.length);
    exchange.getResponseBody().write(bytes);
  }

  private byte[] bytes(Map<String, Object> body) {
    try {
      return json.writeValueAsBytes(body);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }

  private static Map<String, Object> resources() {
    List<Map<String, Object>> resources =
        Stream.of(RouterMetric.values())
            .map(metric ->
                Map.<String, Object>of(
                    "name",
                    "pods/" + metric.metricName(),
                    "singularName",
                    "",
                    "namespaced",
                    true,
                    "kind",
                    "MetricValueList",
                    "verbs",
                    List.of("get")))
            .toList();
    return Map.of(
        "kind", "APIResourceList",
        "apiVersion", "v1",
        "groupVersion", "custom.metrics.k8s.io/v1beta2",
        "resources", resources);
  }

  private static Map<String, Object> failure(int code, String reason, String message) {
    return Map.of(
        "kind",
        "Status",
        "apiVersion",
        "v1",
        "metadata",
        Map.of(),
        "status",
        "Failure",
        "code",
        code,
        "reason",
        reason,
        "message",
        message);
  }
}
