package dev.lorax.launcher.process;

import dev.lorax.launcher.failure.FailureCode;
import dev.lorax.launcher.failure.HasFailureCode;

/** A member's process could not be started; the message is one sentence for a person. */
public final class MemberStartException extends Exception implements HasFailureCode {

  private static final long serialVersionUID = 1L;

  private final FailureCode code;

  public MemberStartException(FailureCode code, String message) {
    super(message);
    this.code = code;
  }

  @Override
  public FailureCode code() {
    return code;
  }

  public String sentence() {
    return String.valueOf(getMessage());
  }
}
