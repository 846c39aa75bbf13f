package dev.lorax.launcher.model;

import dev.lorax.launcher.failure.FailureCode;
import dev.lorax.launcher.failure.HasFailureCode;

/** The model cannot be served; the message is one sentence for a person. */
public final class ModelException extends Exception implements HasFailureCode {

  private static final long serialVersionUID = 1L;

  private final FailureCode code;

  public ModelException(FailureCode code, String message) {
    super(message);
    this.code = code;
  }

  public ModelException(FailureCode code, String message, Throwable cause) {
    super(message, cause);
    this.code = code;
  }

  @Override
  public FailureCode code() {
    return code;
  }
}
