package dev.lorax.operator.server.status;

import io.fabric8.kubernetes.api.model.ContainerStateTerminated;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Why a container ended, as it or the kubelet tells it.
 *
 * @param reason for a condition
 * @param sentence for people
 */
record LastWords(String reason, String sentence) {

  /** Where nobody gave a reason that a program could read. */
  static final String NO_CODE = "CrashLooping";

  /** {@code ModelNotFound: sentence}, as the launcher writes it; its documentation has the list. */
  private static final Pattern CODED = Pattern.compile("([A-Z][A-Za-z]{1,63}): (.+)");

  private static final Pattern CODE = Pattern.compile("[A-Z][A-Za-z]{1,63}");

  private static final Pattern STACK_FRAME = Pattern.compile("\\s+(at|\\.\\.\\.) .*");

  /**
   * @param coded whether the container is one that puts a code before its sentence
   */
  static LastWords of(ContainerStateTerminated end, boolean coded) {
    if ("OOMKilled".equals(end.getReason())) {
      return new LastWords(
          "OutOfMemory", "out of memory: it went over the memory limit of its container");
    }
    String line = lastLine(end);
    Matcher code = CODED.matcher(line);
    return coded && code.matches()
        ? new LastWords(code.group(1), code.group(2))
        : new LastWords(NO_CODE, line);
  }

  /** Whether a condition may have it as its reason. */
  static boolean isCode(String word) {
    return CODE.matcher(word).matches();
  }

  /** A message is one sentence, or the end of a log where the process left none. */
  private static String lastLine(ContainerStateTerminated end) {
    return PodFields.orElse(end.getMessage(), PodFields.orElse(end.getReason(), "no message"))
        .lines()
        .filter(line -> line.chars().anyMatch(Character::isLetter))
        .filter(line -> !STACK_FRAME.matcher(line).matches())
        .reduce((earlier, later) -> later)
        .orElse("no message")
        .strip();
  }
}
