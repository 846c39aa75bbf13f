package dev.lorax.launcher.members;

import dev.lorax.launcher.process.MemberStartException;
import java.io.IOException;
import java.nio.file.Path;

/** Shards or router cannot be kept running; the message is one sentence for a person. */
public final class MemberException extends Exception {

  private static final long serialVersionUID = 1L;

  public MemberException(String message) {
    super(message);
  }

  MemberException(MemberStartException cause) {
    super(cause.sentence(), cause);
  }

  MemberException(Path socketDirectory, IOException cause) {
    super("socket directory %s: %s".formatted(socketDirectory, cause), cause);
  }
}
