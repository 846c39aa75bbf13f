package dev.lorax.launcher.convert;

/** The file cannot be converted or is not whole; the message is one sentence for a person. */
public final class ConversionException extends Exception {

  private static final long serialVersionUID = 1L;

  public ConversionException(String message) {
    super(message);
  }
}
