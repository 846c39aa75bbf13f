package dev.lorax.launcher.process;

import java.util.Optional;
import java.util.function.Consumer;

/**
 * A place where a process can be started. The launcher knows nothing else about where it runs.
 *
 * <p>Output is handed on line by line, from one thread per stream and member.
 */
public interface ProcessHost extends AutoCloseable {

  /** Starts the process, waiting for its place to be there first. */
  Member start(MemberCommand command, Consumer<OutputLine> output)
      throws MemberStartException, InterruptedException;

  /**
   * What already runs under this name because an earlier launcher started it. Waits for the
   * member's place to be there.
   */
  Optional<Member> adopt(MemberName member, Consumer<OutputLine> output)
      throws MemberStartException, InterruptedException;

  /**
   * Waits for the place of this member to be there, or to be there again after it was taken away.
   */
  void awaitPlace(MemberName member) throws MemberStartException, InterruptedException;

  /** Whether the place of this member is there. */
  boolean isAttached(MemberName member);

  /** Gives up the place, not the members: stop those first. */
  @Override
  void close();
}
