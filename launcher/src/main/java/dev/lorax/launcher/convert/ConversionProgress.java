package dev.lorax.launcher.convert;

/** Hears how far a conversion is, from the thread that converts. */
@FunctionalInterface
public interface ConversionProgress {

  /** Bytes of weights written so far; called often, so it must be quick. */
  void written(long bytes);
}
