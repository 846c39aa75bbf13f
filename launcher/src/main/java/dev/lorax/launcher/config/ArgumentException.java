package dev.lorax.launcher.config;

import java.util.List;

/** The command line or the environment is wrong; holds everything that is, not the first only. */
public final class ArgumentException extends Exception {

  private static final long serialVersionUID = 1L;

  private final List<String> problems;

  public ArgumentException(List<String> problems) {
    super(String.join("; ", problems));
    this.problems = List.copyOf(problems);
  }

  public List<String> problems() {
    return problems;
  }
}
