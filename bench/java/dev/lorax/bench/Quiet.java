package dev.lorax.bench;

import ch.qos.logback.classic.LoggerContext;
import org.slf4j.LoggerFactory;

/** Logging off: without a configuration the libraries write everything that they do. */
final class Quiet {
  private Quiet() {}

  static void reset() {
    ((LoggerContext) LoggerFactory.getILoggerFactory()).reset();
    ((LoggerContext) LoggerFactory.getILoggerFactory())
        .getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME)
        .setLevel(ch.qos.logback.classic.Level.OFF);
  }
}
