package dev.lorax.e2e.install;

/** Something on the cluster did not become ready; the message says what, why and what to do. */
public final class NotReady extends RuntimeException {

  private static final long serialVersionUID = 1L;

  NotReady(String message) {
    super(message);
  }
}
