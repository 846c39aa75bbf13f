package dev.lorax.launcher.config;

import dev.lorax.launcher.failure.FailureCode;
import dev.lorax.launcher.failure.HasFailureCode;

/**
 * A certificate that somebody is to trust is none. Unchecked, because those who ask for the trusted
 * ones during a connection are libraries.
 */
public final class UnreadableCertificateException extends RuntimeException
    implements HasFailureCode {

  private static final long serialVersionUID = 1L;

  UnreadableCertificateException(String message, Throwable cause) {
    super(message, cause);
  }

  @Override
  public FailureCode code() {
    return FailureCode.WRONG_ARGUMENTS;
  }
}
