package dev.lorax.launcher.download;

import dev.lorax.launcher.failure.FailureCode;
import dev.lorax.launcher.failure.HasFailureCode;

/** A download that trying again will not mend; the message is one sentence for a person. */
public final class DownloadException extends Exception implements HasFailureCode {

  private static final long serialVersionUID = 1L;

  private final FailureCode code;

  public DownloadException(FailureCode code, String message) {
    super(message);
    this.code = code;
  }

  public DownloadException(FailureCode code, String message, Throwable cause) {
    super(message, cause);
    this.code = code;
  }

  @Override
  public FailureCode code() {
    return code;
  }
}
