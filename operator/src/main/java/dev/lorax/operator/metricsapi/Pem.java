package dev.lorax.operator.metricsapi;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Certificates and private keys in text form, as Secrets hold them. */
public final class Pem {

  private static final Pattern KEY =
      Pattern.compile("-----BEGIN (RSA )?PRIVATE KEY-----([^-]+)-----END (RSA )?PRIVATE KEY-----");

  /** Version 0 and the algorithm rsaEncryption, with which a PKCS #1 key becomes PKCS #8. */
  private static final byte[] RSA_PREFIX =
      HexFormat.of().parseHex("020100300d06092a864886f70d0101010500");

  private static final int SEQUENCE = 0x30;
  private static final int OCTETS = 0x04;

  private Pem() {}

  /**
   * All certificates of a text, in its order.
   *
   * @throws IOException where it holds something else
   */
  public static List<X509Certificate> certificates(String text) throws IOException {
    try {
      return CertificateFactory.getInstance("X.509")
          .generateCertificates(new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8)))
          .stream()
          .map(X509Certificate.class::cast)
          .toList();
    } catch (GeneralSecurityException e) {
      throw new IOException("certificates cannot be read: " + e.getMessage(), e);
    }
  }

  /**
   * An RSA key as PKCS #1 or PKCS #8, or one for elliptic curves as PKCS #8.
   *
   * @throws IOException where it is none of these
   */
  public static PrivateKey privateKey(String text) throws IOException {
    Matcher key = KEY.matcher(text);
    if (!key.find()) {
      throw new IOException(
          "private key: expected BEGIN PRIVATE KEY or BEGIN RSA PRIVATE KEY, got neither");
    }
    byte[] bytes = Base64.getMimeDecoder().decode(key.group(2));
    var encoded = new PKCS8EncodedKeySpec(key.group(1) == null ? bytes : asPkcs8(bytes));
    for (String algorithm : List.of("RSA", "EC")) {
      try {
        return KeyFactory.getInstance(algorithm).generatePrivate(encoded);
      } catch (GeneralSecurityException _) {
        // The next one, then.
      }
    }
    throw new IOException("private key: expected one of RSA or EC, got something else");
  }

  private static byte[] asPkcs8(byte[] rsa) {
    return element(SEQUENCE, concatenated(RSA_PREFIX, element(OCTETS, rsa)));
  }

  /** An element of DER: its tag, its length in as many bytes as that takes, its content. */
  private static byte[] element(int tag, byte[] content) {
    byte[] length =
        content.length < 0x80
            ? new byte[] {(byte) content.length}
            : new byte[] {(byte) 0x82, (byte) (content.length >> 8), (byte) content.length};
    return concatenated(concatenated(new byte[] {(byte) tag}, length), content);
  }

  private static byte[] concatenated(byte[] first, byte[] second) {
    byte[] both = Arrays.copyOf(first, first.length + second.length);
    System.arraycopy(second, 0, both, first.length, second.length);
    return both;
  }
}
