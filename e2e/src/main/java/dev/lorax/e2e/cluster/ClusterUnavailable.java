package dev.lorax.e2e.cluster;

/** No cluster can be had; the message says what is missing and what to do. */
public final class ClusterUnavailable extends RuntimeException {

  private static final long serialVersionUID = 1L;

  public ClusterUnavailable(String message) {
    super(message);
  }

  public ClusterUnavailable(String message, Throwable cause) {
    super(message, cause);
  }
}
