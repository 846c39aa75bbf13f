package dev.lorax.launcher.process;

import org.jspecify.annotations.Nullable;

/** Name of a process that the launcher starts: {@code shard-0}, {@code router}. */
public record MemberName(Role role, int index) {

  public enum Role {
    SHARD,
    ROUTER
  }

  public static final MemberName ROUTER = new MemberName(Role.ROUTER, 0);

  public MemberName {
    if (index < 0 || (role == Role.ROUTER && index > 0)) {
      throw new IllegalArgumentException("no %s has index %d".formatted(role, index));
    }
  }

  public static MemberName shard(int shardIndex) {
    return new MemberName(Role.SHARD, shardIndex);
  }

  /** The reverse of {@link #toString()}. */
  public static MemberName parse(String name) {
    if (name.equals("router")) {
      return ROUTER;
    }
    if (name.matches("shard-\\d{1,4}")) {
      return shard(Integer.parseInt(name.substring("shard-".length())));
    }
    throw new IllegalArgumentException("a member is shard-<index> or router, got " + name);
  }

  /**
   * Names are keys of maps from the first moment on, and the code of a record's own hash is
   * compiled at run time, by no start-up cache.
   */
  @Override
  public int hashCode() {
    return 31 * index + role.ordinal();
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof MemberName name && name.role == role && name.index == index;
  }

  @Override
  public String toString() {
    return role == Role.ROUTER ? "router" : "shard-" + index;
  }
}
