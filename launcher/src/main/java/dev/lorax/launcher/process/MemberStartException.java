package dev.lorax.launcher.process;

/** A member's process could not be started; the message is one sentence for a person. */
public final class MemberStartException extends Exception {

  private static final long serialVersionUID = 1L;

  public MemberStartException(String message) {
    super(message);
  }

  public String sentence() {
    return String.valueOf(getMessage());
  }
}
