package dev.lorax.launcher.config;

import dev.lorax.launcher.failure.FailureCode;
import dev.lorax.launcher.failure.HasFailureCode;
import dev.lorax.options.Problems;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The command line or the environment is wrong; holds everything that is, not the first only. */
public final class ArgumentException extends Exception implements HasFailureCode {

  private static final long serialVersionUID = 1L;

  private final List<String> problems;
  private final FailureCode code;
  private final transient @Nullable Path terminationLog;

  /**
   * @param terminationLog as far as the line and the environment could be read
   */
  ArgumentException(Problems problems, @Nullable Path terminationLog) {
    super(String.join("; ", problems.sentences()));
    this.problems = problems.sentences();
    this.code = problems.onlyMissing() ? FailureCode.MODEL_NOT_FOUND : FailureCode.WRONG_ARGUMENTS;
    this.terminationLog = terminationLog;
  }

  @Override
  public FailureCode code() {
    return code;
  }

  /** The file that shall get the reason, if one was named. */
  public @Nullable Path terminationLog() {
    return terminationLog;
  }

  public List<String> problems() {
    return problems;
  }
}
