package dev.lorax.launcher.convert;

import dev.lorax.launcher.failure.FailureCode;
import dev.lorax.launcher.failure.HasFailureCode;

/** The file cannot be converted or is not whole; the message is one sentence for a person. */
public final class ConversionException extends Exception implements HasFailureCode {

  private static final long serialVersionUID = 1L;

  private final FailureCode code;

  public ConversionException(FailureCode code, String message) {
    super(message);
    this.code = code;
  }

  /** Another copy of the file may be whole. */
  public static ConversionException corrupt(String message) {
    return new ConversionException(FailureCode.CORRUPT_FILE, message);
  }

  /** The file is what its maker wanted, and nothing that is understood here. */
  public static ConversionException unsupported(String message) {
    return new ConversionException(FailureCode.UNSUPPORTED_MODEL, message);
  }

  /** The file asks for more than to be read. */
  public static ConversionException unsafe(String message) {
    return new ConversionException(FailureCode.UNSAFE_FILE, message);
  }

  @Override
  public FailureCode code() {
    return code;
  }
}
