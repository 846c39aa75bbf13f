package dev.lorax.launcher.config;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;

/** Whom encrypted connections trust, instead of the authorities that the JVM brings along. */
public record CertificateAuthorities(List<Certificate> certificates) {

  /** Bundles have comments between the blocks, which Java's own reader does not always take. */
  private static final Pattern PEM_BLOCK =
      Pattern.compile("-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", Pattern.DOTALL);

  public CertificateAuthorities {
    certificates = List.copyOf(certificates);
  }

  /** Reads a bundle in PEM form, as OpenSSL takes it. */
  static CertificateAuthorities read(Path file) throws IOException, CertificateException {
    CertificateFactory factory = CertificateFactory.getInstance("X.509");
    List<Certificate> certificates = new ArrayList<>();
    Matcher block = PEM_BLOCK.matcher(Files.readString(file, StandardCharsets.ISO_8859_1));
    while (block.find()) {
      byte[] pem = block.group().getBytes(StandardCharsets.ISO_8859_1);
      certificates.add(factory.generateCertificate(new ByteArrayInputStream(pem)));
    }
    if (certificates.isEmpty()) {
      throw new CertificateException("no certificate in it");
    }
    return new CertificateAuthorities(certificates);
  }

  public SSLContext sslContext() {
    try {
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(null, trustManagers(), null);
      return context;
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("every JVM has TLS", e);
    }
  }

  public TrustManager[] trustManagers() {
    try {
      KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
      store.load(null, null);
      for (int place = 0; place < certificates.size(); place++) {
        store.setCertificateEntry("authority-" + place, certificates.get(place));
      }
      var factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
      factory.init(store);
      return factory.getTrustManagers();
    } catch (GeneralSecurityException | IOException e) {
      throw new IllegalStateException("a store in memory takes certificates", e);
    }
  }
}
