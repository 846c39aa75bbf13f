package dev.lorax.launcher.convert.torch;

import dev.lorax.launcher.convert.ConversionException;

/** What a pickle may name. Everything that it could do passes through here. */
interface PickleGlobals {

  /** Stands for a Python function or class. */
  @FunctionalInterface
  interface Callable {
    Object call(PickleTuple arguments) throws ConversionException;
  }

  /** A {@link Callable} or a constant; refuses what is not known to be harmless. */
  Object find(String module, String name) throws ConversionException;

  /** The object behind a persistent id. */
  Object load(Object persistentId) throws ConversionException;
}
