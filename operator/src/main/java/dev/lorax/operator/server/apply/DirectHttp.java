package dev.lorax.operator.server.apply;

import dev.lorax.operator.log.LogKeys;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.http.BasicBuilder;
import io.fabric8.kubernetes.client.http.HttpRequest;
import io.fabric8.kubernetes.client.http.Interceptor;
import io.fabric8.kubernetes.client.okhttp.OkHttpClientFactory;
import io.fabric8.kubernetes.client.okhttp.OkHttpClientImpl;
import io.fabric8.kubernetes.client.utils.HttpClientUtils;
import java.io.IOException;
import java.net.URI;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import okhttp3.HttpUrl;
import okhttp3.MediaType;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.RequestBody;
import okhttp3.Response;
import okhttp3.ResponseBody;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A client's connections, used on the thread that has something to send. The client itself hands
 * each request from thread to thread and takes nearly twice as much CPU time for it. What it puts
 * on a request of its own, credentials above all, is put on these too. Thread-safe.
 */
final class DirectHttp {

  private static final Logger LOG = LoggerFactory.getLogger(DirectHttp.class);

  /** Of ten thousand servers all may be warned of, and each in other words. */
  private static final int MOST_WARNINGS = 100;

  private final OkHttpClientImpl client;
  private final OkHttpClient connections;
  private final HttpUrl root;
  private final List<Interceptor> interceptors;
  private final Set<String> told = ConcurrentHashMap.newKeySet();

  /** Interceptors are shown what they add to, and need not see more than that it is a request. */
  private final HttpRequest anyRequest;

  /** {@code client} must be one by OkHttp. */
  DirectHttp(KubernetesClient client) {
    var config = client.getConfiguration();
    this.client = (OkHttpClientImpl) client.getHttpClient();
    this.connections =
        this.client
            .getOkHttpClient()
            .newBuilder()
            .callTimeout(config.getRequestTimeout(), TimeUnit.MILLISECONDS)
            .build();
    this.root = HttpUrl.get(client.getMasterUrl().toString());
    this.interceptors =
        List.copyOf(
            HttpClientUtils.createApplicableInterceptors(config, new OkHttpClientFactory())
                .values());
    this.anyRequest = client.getHttpClient().newHttpRequestBuilder().uri(root.uri()).build();
  }

  /**
   * Sends a request, once.
   *
   * @param path below the API server's address, with its query
   * @return the body of the answer; empty where none came, or another than of success. What was
   *     asked for may have been done nevertheless.
   */
  Optional<byte[]> send(String method, String path, MediaType type, String body) {
    HttpUrl url = root.resolve(path);
    var request =
        new Request.Builder()
            .url(Objects.requireNonNull(url, path))
            .method(method, RequestBody.create(body, type));
    var headers = new Headers(request);
    for (var interceptor : interceptors) {
      interceptor.before(headers, anyRequest, client);
    }
    try (Response response = connections.newCall(request.build()).execute()) {
      response.headers("Warning").forEach(warning -> tell(path, warning));
      ResponseBody answer = response.body();
      if (response.isSuccessful() && answer != null) {
        return Optional.of(answer.bytes());
      }
      LOG.atDebug()
          .addKeyValue(LogKeys.PATH, path)
          .addKeyValue(LogKeys.REASON, response.code())
          .log("not written at once");
    } catch (IOException e) {
      LOG.atDebug().addKeyValue(LogKeys.PATH, path).setCause(e).log("not written at once");
    }
    return Optional.empty();
  }

  /** What the API server does, and warns of: pods that it will refuse, fields that will go. */
  private void tell(String path, String warning) {
    if (told.size() < MOST_WARNINGS && told.add(warning)) {
      LOG.atWarn()
          .addKeyValue(LogKeys.PATH, path)
          .addKeyValue(LogKeys.WARNING, warning)
          .log("the API server warns; it is told once");
    }
  }

  /** Headers of a request, as interceptors take them. */
  private record Headers(Request.Builder request) implements BasicBuilder {

    @Override
    public BasicBuilder uri(URI uri) {
      request.url(uri.toString());
      return this;
    }

    @Override
    public BasicBuilder header(String name, String value) {
      request.addHeader(name, value);
      return this;
    }

    @Override
    public BasicBuilder setHeader(String name, String value) {
      request.header(name, value);
      return this;
    }
  }
}
