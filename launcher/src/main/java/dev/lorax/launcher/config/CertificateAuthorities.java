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
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;

/**
 * Whom encrypted connections trust, instead of the authorities that the JVM brings along.
 *
 * @param file they were read from, for people
 * @param blocks one certificate each in PEM form. To understand the hundred and more of a usual
 *     bundle takes a third of a launcher's start, so it waits until somebody is called.
 */
public record CertificateAuthorities(Path file, List<String> blocks) {

  private static final String BEGIN = "-----BEGIN CERTIFICATE-----";
  private static final String END = "-----END CERTIFICATE-----";

  public CertificateAuthorities {
    blocks = List.copyOf(blocks);
  }

  /** Takes a bundle in PEM form as OpenSSL does: what stands between the blocks is comment. */
  static CertificateAuthorities read(Path file) throws IOException, CertificateException {
    String text = Files.readString(file, StandardCharsets.ISO_8859_1);
    List<String> blocks = new ArrayList<>();
    int end = 0;
    for (int begin = text.indexOf(BEGIN); begin >= 0; begin = text.indexOf(BEGIN, end)) {
      int last = text.indexOf(END, begin);
      if (last < 0) {
        throw new CertificateException("its last certificate has no end");
      }
      end = last + END.length();
      blocks.add(text.substring(begin, end));
    }
    if (blocks.isEmpty()) {
      throw new CertificateException("no certificate in it");
    }
    return new CertificateAuthorities(file, blocks);
  }

  /** Throws UnreadableCertificateException where a certificate cannot be read. */
  public SSLContext sslContext() {
    try {
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(null, trustManagers(), null);
      return context;
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("every JVM has TLS", e);
    }
  }

  /** Throws UnreadableCertificateException where a certificate cannot be read. */
  public TrustManager[] trustManagers() {
    try {
      KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
      store.load(null, null);
      CertificateFactory reader = CertificateFactory.getInstance("X.509");
      for (int place = 0; place < blocks.size(); place++) {
        store.setCertificateEntry("authority-" + place, certificate(reader, place));
      }
      var factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
      factory.init(store);
      return factory.getTrustManagers();
    } catch (GeneralSecurityException | IOException e) {
      throw new IllegalStateException("a store in memory takes certificates", e);
    }
  }

  private Certificate certificate(CertificateFactory reader, int place) {
    byte[] pem = blocks.get(place).getBytes(StandardCharsets.ISO_8859_1);
    try {
      return reader.generateCertificate(new ByteArrayInputStream(pem));
    } catch (CertificateException e) {
      throw new UnreadableCertificateException(
          "certificate %d of %d in %s cannot be read: %s"
              .formatted(place + 1, blocks.size(), file, e.getMessage()),
          e);
    }
  }
}
