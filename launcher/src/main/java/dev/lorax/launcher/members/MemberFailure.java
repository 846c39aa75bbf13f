package dev.lorax.launcher.members;

import dev.lorax.launcher.failure.FailureCode;
import dev.lorax.launcher.health.Distress;
import dev.lorax.launcher.process.Exit;
import dev.lorax.launcher.process.MemberName;
import dev.lorax.launcher.process.MemberStartException;
import dev.lorax.launcher.status.FailureCause;

/**
 * That a member ended, or is of no use, although nobody asked it to stop.
 *
 * @param what for a sentence that starts with the member's name
 * @param code the member's own word for it, where it gave one
 * @param lastWords what the member itself gave as the reason; may be empty
 */
record MemberFailure(
    MemberName member, FailureCause cause, FailureCode code, String what, String lastWords) {

  /** What a shard ends with when it knows why; what upstream's shard never uses. */
  private static final int STEP_TIMEOUT = 70;

  private static final int CUDA_ERROR = 71;
  private static final int OUT_OF_MEMORY = 72;

  static MemberFailure of(MemberName member, Exit exit, LastWords lastWords) {
    return switch (exit) {
      case Exit.Code code when member.role() == MemberName.Role.SHARD ->
          ofShard(member, code, lastWords);
      case Exit.Code code -> of(member, code, lastWords);
      case Exit.OutOfMemory killed when !killed.proven() ->
          silent(member, FailureCause.SIGNAL, general(member), killed.description());
      case Exit.OutOfMemory killed ->
          silent(
              member, FailureCause.OUT_OF_MEMORY, FailureCode.OUT_OF_MEMORY, killed.description());
      case Exit.Lost lost ->
          silent(member, FailureCause.LOST, FailureCode.CONTAINER_LOST, lost.description());
      case Exit.Left left ->
          silent(member, FailureCause.LEFT, FailureCode.CONTAINER_LOST, left.description());
    };
  }

  private static MemberFailure ofShard(MemberName member, Exit.Code code, LastWords lastWords) {
    return switch (code.value()) {
      case STEP_TIMEOUT ->
          new MemberFailure(
              member,
              FailureCause.STEP_TIMEOUT,
              FailureCode.STEP_TIMED_OUT,
              "ended itself because a step took too long (exit code 70)",
              lastWords.text());
      case CUDA_ERROR ->
          new MemberFailure(
              member,
              FailureCause.CUDA_ERROR,
              FailureCode.DEVICE_FAILED,
              "ended itself because its CUDA device fails until the process is replaced (exit code"
                  + " 71)",
              lastWords.text());
      case OUT_OF_MEMORY ->
          new MemberFailure(
              member,
              FailureCause.OUT_OF_MEMORY,
              FailureCode.OUT_OF_MEMORY,
              "ran out of memory (exit code 72)",
              lastWords.text());
      default -> of(member, code, lastWords);
    };
  }

  private static MemberFailure of(MemberName member, Exit.Code code, LastWords lastWords) {
    if (code.fromOutside()) {
      return silent(member, FailureCause.SIGNAL, general(member), code.description());
    }
    FailureCode word = lastWords.code() == null ? general(member) : lastWords.code();
    var cause = code.bySignal() ? FailureCause.SIGNAL : FailureCause.EXITED;
    return new MemberFailure(member, cause, word, code.description(), lastWords.text());
  }

  static MemberFailure of(MemberName member, Distress distress, LastWords lastWords) {
    return switch (distress) {
      // What it wrote last was written before it fell silent.
      case Distress.Hung hung ->
          silent(member, FailureCause.HUNG, FailureCode.NO_HEARTBEAT, hung.description());
      case Distress.Late late ->
          new MemberFailure(
              member,
              FailureCause.LATE,
              FailureCode.START_TIMED_OUT,
              late.description(),
              lastWords.text());
    };
  }

  /** The sentence is about the member as a whole already. */
  static MemberFailure notStarted(MemberName member, MemberStartException why) {
    return silent(member, FailureCause.NOT_STARTED, why.code(), why.sentence());
  }

  private static MemberFailure silent(
      MemberName member, FailureCause cause, FailureCode code, String what) {
    return new MemberFailure(member, cause, code, what, "");
  }

  private static FailureCode general(MemberName member) {
    return switch (member.role()) {
      case SHARD -> FailureCode.SHARD_FAILED;
      case ROUTER -> FailureCode.ROUTER_FAILED;
    };
  }

  /**
   * Whether a first start that fails so would fail the same way again: the member ended itself over
   * what it was told, or does not fit into the memory that there is.
   */
  boolean endsFirstStart() {
    return cause == FailureCause.EXITED || cause == FailureCause.OUT_OF_MEMORY;
  }

  /** Whether asking the member to stop would be in vain. */
  boolean isHung() {
    return cause == FailureCause.HUNG;
  }

  String sentence() {
    if (cause == FailureCause.NOT_STARTED) {
      return what;
    }
    return lastWords.isEmpty()
        ? "%s %s".formatted(member, what)
        : "%s %s: %s".formatted(member, what, lastWords);
  }
}
