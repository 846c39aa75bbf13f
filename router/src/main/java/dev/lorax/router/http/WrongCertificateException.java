package dev.lorax.router.http;

import java.io.IOException;

/** The files of certificate and key are missing, cannot be read, or do not belong together. */
public final class WrongCertificateException extends IOException {

  private static final long serialVersionUID = 1L;

  WrongCertificateException(String message) {
    super("TLS: " + message);
  }

  WrongCertificateException(String message, Exception cause) {
    super("TLS: " + message, cause);
  }
}
