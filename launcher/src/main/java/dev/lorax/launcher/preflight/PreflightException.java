package dev.lorax.launcher.preflight;

import dev.lorax.launcher.failure.FailureCode;
import dev.lorax.launcher.failure.HasFailureCode;
import java.util.List;
import java.util.stream.Collectors;

/** The shards could not work as asked; the message says all reasons and what to do. */
public final class PreflightException extends Exception implements HasFailureCode {

  private static final long serialVersionUID = 1L;

  private final FailureCode code;

  /** The first problem gives the code. */
  PreflightException(List<Problem> problems) {
    super(problems.stream().map(Problem::sentence).collect(Collectors.joining("; ")));
    this.code = problems.getFirst().code();
  }

  @Override
  public FailureCode code() {
    return code;
  }
}
