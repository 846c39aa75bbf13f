package dev.lorax.launcher.download;

/** A download that trying again will not mend; the message is one sentence for a person. */
public final class DownloadException extends Exception {

  private static final long serialVersionUID = 1L;

  public DownloadException(String message) {
    super(message);
  }

  public DownloadException(String message, Throwable cause) {
    super(message, cause);
  }
}
