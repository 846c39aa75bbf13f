package dev.lorax.launcher.process;

import java.util.List;
import java.util.Map;

/**
 * What to start as a member. The first argument is a program looked up on PATH where it starts.
 *
 * @param epoch tells one start of the member from the next; never repeats for a member
 * @param environment added to the environment of the place where the member starts
 */
public record MemberCommand(
    MemberName member, long epoch, List<String> arguments, Map<String, String> environment) {

  public MemberCommand {
    arguments = List.copyOf(arguments);
    environment = Map.copyOf(environment);
    if (arguments.isEmpty()) {
      throw new IllegalArgumentException("the command of " + member + " is empty");
    }
  }
}
