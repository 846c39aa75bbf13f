package dev.lorax.launcher.s3;

import java.io.IOException;

/** An object is no longer the one that was listed. Only ever the cause of a refusal. */
final class ChangedObjectException extends IOException {

  private static final long serialVersionUID = 1L;

  ChangedObjectException(Throwable cause) {
    super(cause);
  }
}
