package dev.lorax.router.http;

import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.net.PemKeyCertOptions;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.stream.Stream;
import javax.net.ssl.X509KeyManager;

/**
 * The certificate by which clients know the server, and its key. Immutable.
 *
 * @param files where both were read
 * @param notAfter when clients take it no more
 */
record ServingCertificate(TlsFiles files, PemKeyCertOptions pem, Instant notAfter) {

  private static final byte[] SAMPLE = "lorax".getBytes(StandardCharsets.US_ASCII);

  /**
   * Reads both files.
   *
   * @throws WrongCertificateException if one cannot be read, or they do not belong together
   */
  static ServingCertificate read(TlsFiles files, Vertx vertx) throws WrongCertificateException {
    return read(files, pem(files), vertx);
  }

  /** What lies in the files now, if it is another pair; itself, if not. */
  ServingCertificate readAgain(Vertx vertx) throws WrongCertificateException {
    PemKeyCertOptions found = pem(files);
    return found.equals(pem) ? this : read(files, found, vertx);
  }

  private static ServingCertificate read(TlsFiles files, PemKeyCertOptions pem, Vertx vertx)
      throws WrongCertificateException {
    X509KeyManager keys = keys(pem, files, vertx);
    // There is one pair, under a name that is not ours.
    String alias =
        Stream.of("RSA", "EC")
            .map(algorithm -> keys.getServerAliases(algorithm, null))
            .filter(aliases -> aliases != null)
            .flatMap(Stream::of)
            .findFirst()
            .orElseThrow(() ->
                new WrongCertificateException(
                    "%s: expected a certificate for RSA or elliptic curves, got another"
                        .formatted(files.certificate())));
    X509Certificate own = keys.getCertificateChain(alias)[0];
    if (!belongs(keys.getPrivateKey(alias), own.getPublicKey())) {
      throw new WrongCertificateException(
          "%s is not the key of the first certificate in %s (%s)"
              .formatted(files.key(), files.certificate(), own.getSubjectX500Principal()));
    }
    return new ServingCertificate(files, pem, own.getNotAfter().toInstant());
  }

  private static PemKeyCertOptions pem(TlsFiles files) throws WrongCertificateException {
    return new PemKeyCertOptions()
        .setCertValue(content(files.certificate(), "a certificate"))
        .setKeyValue(content(files.key(), "the key of the certificate"));
  }

  private static Buffer content(Path file, String what) throws WrongCertificateException {
    try {
      return Buffer.buffer(Files.readAllBytes(file));
    } catch (NoSuchFileException e) {
      throw new WrongCertificateException("expected %s at %s, got none".formatted(what, file), e);
    } catch (IOException e) {
      throw new WrongCertificateException("%s cannot be read: %s".formatted(file, e), e);
    }
  }

  private static X509KeyManager keys(PemKeyCertOptions pem, TlsFiles files, Vertx vertx)
      throws WrongCertificateException {
    try {
      return (X509KeyManager) pem.getKeyManagerFactory(vertx).getKeyManagers()[0];
    } catch (Exception e) {
      throw new WrongCertificateException(
          "%s and %s are no certificate and its key in PEM: %s"
              .formatted(files.certificate(), files.key(), e.getMessage()),
          e);
    }
  }

  private static boolean belongs(PrivateKey key, PublicKey open) {
    String algorithm = key.getAlgorithm().equals("RSA") ? "SHA256withRSA" : "SHA256withECDSA";
    try {
      Signature signing = Signature.getInstance(algorithm);
      signing.initSign(key);
      signing.update(SAMPLE);
      Signature checking = Signature.getInstance(algorithm);
      checking.initVerify(open);
      checking.update(SAMPLE);
      return checking.verify(signing.sign());
    } catch (GeneralSecurityException _) {
      // Keys of different lengths or kinds.
      return false;
    }
  }
}
