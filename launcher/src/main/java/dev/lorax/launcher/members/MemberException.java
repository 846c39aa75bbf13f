package dev.lorax.launcher.members;

import dev.lorax.launcher.failure.FailureCode;
import dev.lorax.launcher.failure.HasFailureCode;
import dev.lorax.launcher.failure.Refusal;
import dev.lorax.launcher.process.MemberStartException;
import java.io.IOException;
import java.nio.file.Path;

/** Shards or router cannot be kept running; the message is one sentence for a person. */
public final class MemberException extends Exception implements HasFailureCode {

  private static final long serialVersionUID = 1L;

  private final FailureCode code;

  MemberException(FailureCode code, String message) {
    super(message);
    this.code = code;
  }

  MemberException(MemberStartException cause) {
    super(cause.sentence(), cause);
    this.code = cause.code();
  }

  MemberException(Path socketDirectory, IOException cause) {
    super(
        "socket directory %s: %s; give another with --shard-uds-path"
            .formatted(socketDirectory, Refusal.words(cause)),
        cause);
    this.code = FailureCode.of(cause);
  }

  @Override
  public FailureCode code() {
    return code;
  }
}
