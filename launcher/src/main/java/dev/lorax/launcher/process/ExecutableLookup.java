package dev.lorax.launcher.process;

import dev.lorax.launcher.failure.FailureCode;
import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;

/** Finds a program on a PATH, so that its absence is told before a shell's exit code 127 is. */
final class ExecutableLookup {

  private ExecutableLookup() {}

  static Path resolve(String program, String searchPath) throws MemberStartException {
    if (program.contains("/")) {
      return executable(Path.of(program));
    }
    for (var directory : searchPath.split(File.pathSeparator, -1)) {
      var candidate = Path.of(directory).resolve(program);
      if (isExecutable(candidate)) {
        return candidate;
      }
    }
    throw new MemberStartException(
        FailureCode.PROGRAM_NOT_FOUND,
        "program %s not found on PATH=%s".formatted(program, searchPath));
  }

  private static Path executable(Path path) throws MemberStartException {
    if (!isExecutable(path)) {
      throw new MemberStartException(
          FailureCode.PROGRAM_NOT_FOUND, "program %s is not an executable file".formatted(path));
    }
    return path;
  }

  private static boolean isExecutable(Path path) {
    return Files.isRegularFile(path) && Files.isExecutable(path);
  }
}
