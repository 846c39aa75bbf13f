package dev.lorax.operator;

import dev.lorax.operator.metricsapi.Pem;
import io.fabric8.kubernetes.api.model.Secret;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.util.Base64;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.jspecify.annotations.Nullable;

/**
 * A certificate, its key and its authority as PEM, as the chart makes them: a new one each time.
 */
record TestingCertificate(String authority, String certificate, String key) {

  /** Its common name. */
  static final String NAME = "lorax-lorax-operator-metrics.lorax-system.svc";

  static TestingCertificate make() {
    Secret secret =
        Chart.objects("--set", "metricsApi.enabled=true").stream()
            .filter(Secret.class::isInstance)
            .map(Secret.class::cast)
            .findFirst()
            .orElseThrow();
    return new TestingCertificate(
        text(secret, "ca.crt"), text(secret, "tls.crt"), text(secret, "tls.key"));
  }

  /** For a client that trusts this authority and shows another one's certificate, or none. */
  SSLContext clientContext(@Nullable TestingCertificate shown) throws IOException {
    try {
      KeyStore trusted = store();
      trusted.setCertificateEntry("authority", read(authority));
      var trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
      trust.init(trusted);
      var context = SSLContext.getInstance("TLS");
      context.init(shown == null ? null : shown.keyManagers(), trust.getTrustManagers(), null);
      return context;
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  private KeyManager[] keyManagers() throws GeneralSecurityException, IOException {
    KeyStore store = store();
    store.setKeyEntry(
        "client", Pem.privateKey(key), new char[0], new Certificate[] {read(certificate)});
    var keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    keys.init(store, new char[0]);
    return keys.getKeyManagers();
  }

  private static KeyStore store() throws GeneralSecurityException, IOException {
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(null, null);
    return store;
  }

  private static Certificate read(String text) throws GeneralSecurityException {
    return CertificateFactory.getInstance("X.509")
        .generateCertificate(new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8)));
  }

  private static String text(Secret secret, String key) {
    return new String(
        Base64.getDecoder().decode(secret.getData().get(key)), StandardCharsets.UTF_8);
  }
}
