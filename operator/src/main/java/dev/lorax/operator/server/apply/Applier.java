package dev.lorax.operator.server.apply;

import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.dsl.internal.OperationSupport;
import io.fabric8.kubernetes.client.http.HttpClient;
import io.fabric8.kubernetes.client.http.HttpRequest;
import io.fabric8.kubernetes.client.http.HttpResponse;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import okhttp3.MediaType;

/**
 * Writes objects: applies them server-side, and takes the fields that others hold. By the client's
 * HTTP and not by its resources, which write and read whole objects with Jackson. Thread-safe.
 */
public final class Applier {

  private static final MediaType APPLY_PATCH = MediaType.get("application/apply-patch+yaml");
  private static final MediaType JSON = MediaType.get("application/json");

  /** A kind's name in paths; to find it takes regular expressions. */
  private static final ClassValue<String> PLURAL =
      new ClassValue<>() {
        @Override
        protected String computeValue(Class<?> type) {
          return HasMetadata.getPlural(type.asSubclass(HasMetadata.class));
        }
      };

  private final KubernetesClient client;
  private final DirectHttp direct;
  private final String fieldManager;

  /** {@code client} must be one by OkHttp. */
  public Applier(KubernetesClient client, String fieldManager) {
    this.client = client;
    this.direct = new DirectHttp(client);
    this.fieldManager = fieldManager;
  }

  /**
   * Applies a namespaced object.
   *
   * @throws KubernetesClientException where the API server refuses it or cannot be reached
   */
  public Written apply(ApplyBody body) {
    return apply(body, "");
  }

  /** As above, its status only. */
  public Written applyStatus(ApplyBody body) {
    return apply(body, "/status");
  }

  private Written apply(ApplyBody body, String subresource) {
    HasMetadata object = body.object();
    String path = path(object) + '/' + object.getMetadata().getName() + subresource;
    return send("PATCH", path + "?fieldManager=" + fieldManager + "&force=true", APPLY_PATCH, body);
  }

  /**
   * Creates a namespaced object, which may leave its name to the API server.
   *
   * @throws KubernetesClientException where the API server refuses it or cannot be reached
   */
  public Written create(ApplyBody body) {
    return send("POST", path(body.object()), JSON, body);
  }

  private Written send(String method, String path, MediaType type, ApplyBody body) {
    String text = body.text();
    byte[] answer =
        direct
            .send(method, path, type, text)
            .orElseGet(() -> sendByClient(method, path, type, text));
    try {
      return Written.read(answer);
    } catch (IOException e) {
      throw KubernetesClientException.launderThrowable(e);
    }
  }

  /** It renews credentials, tries again as the API server asks for, and says what was wrong. */
  private byte[] sendByClient(String method, String path, MediaType type, String body) {
    HttpClient http = client.getHttpClient();
    HttpRequest request =
        http.newHttpRequestBuilder()
            .uri(client.getMasterUrl() + path)
            .method(method, type.toString(), body)
            .timeout(client.getConfiguration().getRequestTimeout(), TimeUnit.MILLISECONDS)
            .build();
    try {
      HttpResponse<byte[]> response = http.sendAsync(request, byte[].class).get();
      if (!response.isSuccessful()) {
        throw OperationSupport.requestFailure(
            request, OperationSupport.createStatus(response, client.getKubernetesSerialization()));
      }
      return response.body();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw KubernetesClientException.launderThrowable(new InterruptedIOException());
    } catch (ExecutionException e) {
      throw KubernetesClientException.launderThrowable(e.getCause());
    }
  }

  /** Of all objects of this kind in its namespace, below the API server's address. */
  private static String path(HasMetadata object) {
    String version = object.getApiVersion();
    return (version.contains("/") ? "apis/" : "api/")
        + version
        + "/namespaces/"
        + object.getMetadata().getNamespace()
        + '/'
        + PLURAL.get(object.getClass());
  }
}
