package dev.lorax.launcher.failure;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;

/** What the system has against a file, in words for people. */
public final class Refusal {

  private Refusal() {}

  /** Without the file's name, for a sentence that has it already. */
  public static String words(IOException refusal) {
    if (refusal instanceof AccessDeniedException) {
      return "permission denied";
    }
    if (refusal instanceof NoSuchFileException) {
      return "no such file or directory";
    }
    String reason =
        refusal instanceof FileSystemException file ? file.getReason() : refusal.getMessage();
    return reason == null ? refusal.getClass().getSimpleName() : reason;
  }

  /** With the file's name, where there is one. */
  public static String sentence(IOException refusal) {
    return refusal instanceof FileSystemException file && file.getFile() != null
        ? "%s: %s".formatted(file.getFile(), words(refusal))
        : words(refusal);
  }
}
