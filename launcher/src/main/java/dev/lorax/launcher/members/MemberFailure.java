package dev.lorax.launcher.members;

import dev.lorax.launcher.process.MemberName;

/**
 * That a member ended, or did not become ready, although nobody asked it to stop.
 *
 * @param what for a sentence that starts with the member's name
 * @param lastWords what the member itself gave as the reason; may be empty
 */
record MemberFailure(MemberName member, String what, String lastWords) {

  String sentence() {
    return lastWords.isEmpty()
        ? "%s %s".formatted(member, what)
        : "%s %s: %s".formatted(member, what, lastWords);
  }
}
