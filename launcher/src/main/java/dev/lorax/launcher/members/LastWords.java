package dev.lorax.launcher.members;

import dev.lorax.launcher.failure.FailureCode;
import org.jspecify.annotations.Nullable;

/**
 * The line of a member that most likely says why it ended.
 *
 * @param text empty when it said nothing
 * @param code null when it gave none, as programs do that know none
 */
record LastWords(String text, @Nullable FailureCode code) {

  static final LastWords NONE = new LastWords("", null);
}
