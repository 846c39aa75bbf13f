package dev.lorax.operator.metricsapi;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.client.KubernetesClient;
import java.io.IOException;
import java.security.cert.X509Certificate;
import java.util.List;

/**
 * By which certificates Kubernetes' API server is known when it passes a request on. It does so
 * only for those whom its own authorization lets ask, so whoever has such a certificate may ask
 * here; the headers that name the user need not be read.
 */
final class FrontProxy {

  /** Where every API server publishes it. */
  private static final String NAMESPACE = "kube-system";

  private static final String NAME = "extension-apiserver-authentication";
  private static final String AUTHORITIES = "requestheader-client-ca-file";
  private static final String NAMES = "requestheader-allowed-names";

  private final KubernetesClient client;

  FrontProxy(KubernetesClient client) {
    this.client = client;
  }

  /**
   * @param authorities that sign the API server's certificates
   * @param names common names that these may have; empty for any
   */
  record Trust(List<X509Certificate> authorities, List<String> names) {}

  /** As the API server says now. */
  Trust read() throws IOException {
    ConfigMap published = client.configMaps().inNamespace(NAMESPACE).withName(NAME).get();
    String authorities = published == null ? null : published.getData().get(AUTHORITIES);
    if (authorities == null) {
      throw new IOException(
          "ConfigMap %s/%s: expected %s, got nothing; this cluster's API server passes no requests"
                  .formatted(NAMESPACE, NAME, AUTHORITIES)
              + " on (its aggregation layer is not configured)");
    }
    return new Trust(
        Pem.certificates(authorities), names(published.getData().getOrDefault(NAMES, "[]")));
  }

  private static List<String> names(String text) throws JsonProcessingException {
    return new ObjectMapper().readValue(text, new TypeReference<>() {});
  }
}
