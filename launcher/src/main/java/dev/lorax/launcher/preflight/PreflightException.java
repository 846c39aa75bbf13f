package dev.lorax.launcher.preflight;

import java.util.List;

/** The shards could not work as asked; the message says all reasons and what to do. */
public final class PreflightException extends Exception {

  private static final long serialVersionUID = 1L;

  PreflightException(List<String> problems) {
    super(String.join("; ", problems));
  }
}
