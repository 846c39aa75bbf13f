package dev.lorax.launcher.control;

import dev.lorax.launcher.config.LauncherConfig.ShardPlacement;
import dev.lorax.launcher.process.MemberName;
import java.util.Locale;

/** An agent by the role of its container and the container's index among those of its role. */
public record AgentName(MemberName.Role role, int index) {

  /** The agent in whose container a member runs. */
  static AgentName of(MemberName member, ShardPlacement placement) {
    boolean shared =
        member.role() == MemberName.Role.SHARD && placement == ShardPlacement.SHARED_CONTAINER;
    return new AgentName(member.role(), shared ? 0 : member.index());
  }

  /** The role as it is spelled on the wire and on the command line. */
  public static String spelled(MemberName.Role role) {
    return role.name().toLowerCase(Locale.ROOT);
  }

  @Override
  public String toString() {
    return spelled(role) + "-" + index;
  }
}
