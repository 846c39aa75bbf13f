package dev.lorax.launcher.config;

/** A token or key. It never shows in a log, a message or a dump of the configuration. */
public record Secret(String value) {

  @Override
  public String toString() {
    return "(secret)";
  }
}
