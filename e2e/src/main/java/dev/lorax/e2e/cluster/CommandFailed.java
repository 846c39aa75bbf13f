package dev.lorax.e2e.cluster;

/**
 * A program that could not be started, failed, or took too long; the message says which and what it
 * said.
 */
public final class CommandFailed extends RuntimeException {

  private static final long serialVersionUID = 1L;

  public CommandFailed(String message) {
    super(message);
  }
}
