package dev.lorax.launcher.download;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/**
 * What a file's bytes must hash to.
 *
 * @param hex lower case
 */
public record Checksum(Kind kind, String hex) {

  public enum Kind {
    SHA256("SHA-256"),
    MD5("MD5"),
    /** Of git's object: {@code blob <size>\0} and the bytes. */
    GIT_BLOB("SHA-1");

    private final String algorithm;

    Kind(String algorithm) {
      this.algorithm = algorithm;
    }

    @Override
    public String toString() {
      return this == GIT_BLOB ? "git blob SHA-1" : algorithm;
    }
  }

  /** A digest that is ready for the first byte of a file of this size. */
  MessageDigest digest(long size) {
    try {
      var digest = MessageDigest.getInstance(kind.algorithm);
      if (kind == Kind.GIT_BLOB) {
        digest.update("blob %d\0".formatted(size).getBytes(StandardCharsets.US_ASCII));
      }
      return digest;
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every JDK has " + kind.algorithm, e);
    }
  }
}
