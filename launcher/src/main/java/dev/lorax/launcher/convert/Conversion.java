package dev.lorax.launcher.convert;

import java.io.IOException;
import java.nio.file.Path;

/** A model or adapter that has been looked at and found convertible. Not thread-safe. */
public interface Conversion {

  /** Size of the weights to be written; the other files are small beside it. */
  long weightBytes();

  /** Fills an existing empty directory; an interrupt ends it early and half done. */
  void writeTo(Path directory, ConversionProgress progress)
      throws IOException, ConversionException, InterruptedException;
}
