package dev.lorax.operator.metricsapi;

import java.io.IOException;
import java.net.Socket;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.stream.Stream;
import javax.naming.InvalidNameException;
import javax.naming.ldap.LdapName;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedTrustManager;

/** Lets in clients whose certificate is one of the API server's, as it was last told. */
final class PeerTrust extends X509ExtendedTrustManager {

  private record Current(X509ExtendedTrustManager authorities, List<String> names) {}

  private volatile Current current = new Current(authorities(List.of()), List.of());

  void set(FrontProxy.Trust trust) {
    current = new Current(authorities(trust.authorities()), trust.names());
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String type) throws CertificateException {
    current.authorities().checkClientTrusted(chain, type);
    checkName(chain[0]);
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String type, Socket socket)
      throws CertificateException {
    checkClientTrusted(chain, type);
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String type, SSLEngine engine)
      throws CertificateException {
    checkClientTrusted(chain, type);
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String type) throws CertificateException {
    throw new CertificateException("no server is ever asked");
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String type, Socket socket)
      throws CertificateException {
    checkServerTrusted(chain, type);
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String type, SSLEngine engine)
      throws CertificateException {
    checkServerTrusted(chain, type);
  }

  @Override
  public X509Certificate[] getAcceptedIssuers() {
    return current.authorities().getAcceptedIssuers();
  }

  private void checkName(X509Certificate certificate) throws CertificateException {
    List<String> allowed = current.names();
    String subject = certificate.getSubjectX500Principal().getName();
    if (!allowed.isEmpty() && commonNames(subject).noneMatch(allowed::contains)) {
      throw new CertificateException(
          "client certificate: expected a common name of %s, got %s".formatted(allowed, subject));
    }
  }

  private static Stream<String> commonNames(String subject) throws CertificateException {
    try {
      return new LdapName(subject)
          .getRdns().stream()
              .filter(part -> part.getType().equalsIgnoreCase("CN"))
              .map(part -> String.valueOf(part.getValue()));
    } catch (InvalidNameException e) {
      throw new CertificateException("client certificate: subject cannot be read: " + subject, e);
    }
  }

  private static X509ExtendedTrustManager authorities(List<X509Certificate> certificates) {
    try {
      KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
      store.load(null, null);
      for (int index = 0; index < certificates.size(); index++) {
        store.setCertificateEntry("authority-" + index, certificates.get(index));
      }
      var factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
      factory.init(store);
      return Stream.of(factory.getTrustManagers())
          .filter(X509ExtendedTrustManager.class::isInstance)
          .map(X509ExtendedTrustManager.class::cast)
          .findFirst()
          .orElseThrow();
    } catch (GeneralSecurityException | IOException e) {
      throw new IllegalStateException(e);
    }
  }
}
