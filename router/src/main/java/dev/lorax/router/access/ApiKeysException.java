package dev.lorax.router.access;

import java.io.IOException;

/** The file of API keys is missing, cannot be read, or is not what it should be. */
public final class ApiKeysException extends IOException {

  private static final long serialVersionUID = 1L;

  ApiKeysException(String message) {
    super("API keys: " + message);
  }

  ApiKeysException(String message, Exception cause) {
    super("API keys: " + message, cause);
  }
}
