package dev.lorax.launcher.process;

/** One line that a member wrote, without its line end. */
public record OutputLine(Stream stream, String text) {

  public enum Stream {
    STDOUT,
    STDERR
  }
}
