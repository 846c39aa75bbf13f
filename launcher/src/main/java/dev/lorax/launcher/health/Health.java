package dev.lorax.launcher.health;

/** What came of asking a member how it is. */
public sealed interface Health {

  /** It can do its work. */
  record Ready() implements Health {}

  /** Its process lives but cannot do its work now. */
  record Alive() implements Health {}

  /**
   * No good answer came.
   *
   * @param reason for people; what was answered instead, or what broke
   */
  record Silent(String reason) implements Health {}
}
