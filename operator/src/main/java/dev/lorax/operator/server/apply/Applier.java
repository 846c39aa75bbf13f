package dev.lorax.operator.server.apply;

import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.dsl.internal.OperationSupport;
import io.fabric8.kubernetes.client.http.HttpRequest;
import io.fabric8.kubernetes.client.http.HttpResponse;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;

/**
 * Applies objects server-side, and takes the fields that others hold. By the client's HTTP, with
 * its credentials and retries, and not by its resources, which write and read whole objects with
 * Jackson. Immutable.
 */
public final class Applier {

  private static final String APPLY_PATCH = "application/apply-patch+yaml";

  private final String fieldManager;

  public Applier(String fieldManager) {
    this.fieldManager = fieldManager;
  }

  /**
   * Applies a namespaced object.
   *
   * @throws KubernetesClientException where the API server refuses it or cannot be reached
   */
  public Written apply(KubernetesClient client, ApplyBody body) {
    return apply(client, body, "");
  }

  /** As above, its status only. */
  public Written applyStatus(KubernetesClient client, ApplyBody body) {
    return apply(client, body, "/status");
  }

  private Written apply(KubernetesClient client, ApplyBody body, String subresource) {
    HttpRequest request =
        client
            .getHttpClient()
            .newHttpRequestBuilder()
            .uri(
                "%s%s%s?fieldManager=%s&force=true"
                    .formatted(
                        client.getMasterUrl(), path(body.object()), subresource, fieldManager))
            .patch(APPLY_PATCH, body.text())
            .timeout(client.getConfiguration().getRequestTimeout(), TimeUnit.MILLISECONDS)
            .build();
    try {
      HttpResponse<byte[]> response = client.getHttpClient().sendAsync(request, byte[].class).get();
      if (!response.isSuccessful()) {
        throw OperationSupport.requestFailure(
            request, OperationSupport.createStatus(response, client.getKubernetesSerialization()));
      }
      return Written.read(response.body());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw KubernetesClientException.launderThrowable(new InterruptedIOException());
    } catch (ExecutionException e) {
      throw KubernetesClientException.launderThrowable(e.getCause());
    } catch (IOException e) {
      throw KubernetesClientException.launderThrowable(e);
    }
  }

  private static String path(HasMetadata object) {
    String version = object.getApiVersion();
    var metadata = object.getMetadata();
    return "%s/%s/namespaces/%s/%s/%s"
        .formatted(
            version.contains("/") ? "apis" : "api",
            version,
            metadata.getNamespace(),
            object.getPlural(),
            metadata.getName());
  }
}
